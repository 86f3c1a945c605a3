"""Values of persons whom no file of the set names: how many does the check tell, and what stays in copies?

    python tests/benchmarks/foreign_values.py

Each value (invented names, dates, numbers, addresses) is put into each attribute that can hold it, one at a
time, all of them attributes that Table E.1-1 does not name. It counts as told if the check has a finding at
its place, and as left if a de-identified copy still holds its text. False alarms: the same rules on every
different value of such attributes in all files of pydicom, pydicom-data and deid-data. Nobody has looked
whether one of these is a person's after all.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections import Counter
from dataclasses import fields, replace
from importlib.util import find_spec
from pathlib import Path

import pydicom
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from deid_samples import clean, encode

from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.dicomfile.file_reader import FileReader, is_dicom
from privxray.deid.judging.element_judge import Judge
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.profile.annex_e import lookup
from privxray.deid.profile.profile import Profile
from privxray.deid.profile.profile_file import load_profile

VALUES = {
    "name": """
        Hans Meyer|MEYER HANS|Meyer, Hans|H. Meyer|hans meyer|HansMeyer|Betty Kwimbley|for Mr Quillmark
        Dr. Zorvath|Anna-Lena Brzezin|O'Hallorahan|Jo Li|Wu Xiaoming|seen by nurse Betty|reported by Zorvath
        chest of Ms Betty
    """,
    "date": """
        MEYER HANS 12.03.1961|born 1961-03-12|12 Mar 1961|DOB 12-03-1961|03/12/1961|born 19610312|* 12.3.1961
    """,
    "number": """
        MRN 4471902|MRN4471902|PID: 88-1234-5|4471902|case 7788123|acc no 7788123|ID=ZK4471902|see 0044719
    """,
    "phone or mail": """
        +49 171 2345678|0171-2345678|(555) 123-4567|555-123-4567|tel 5551234|meyer@clinic.org|123-45-6789
    """,
    "address": "12 Larkspur Street|5 rue des Lilas|Hauptstr. 5|50667 Koeln|Lilienweg 7",
    "address of the web": """
        https://pacs.example.org/view?pid=4471902|http://ris/pat/4471902|https://a.org/meyer_hans_19610312
    """,
    "Cyrillic": "Иванова Анна|снимок Ивановой|пациент Пётр",
    "Chinese, Japanese, Korean": "山田太郎|患者山田太郎様|王小东|홍길동|ﾔﾏﾀﾞﾀﾛｳ|病人王伟",
    "Thai, Greek, Hebrew, Arabic": "สมชาย ใจดี|Παπαδόπουλος|כהן דוד|محمد علي",
}
PLACES = (
    "ContentDescription", "ManufacturerModelName", "FilterType", "SegmentDescription", "CodeMeaning",
    "FilterMaterial",
)  # fmt: skip
WEB = "PixelDataProviderURL"
LONGEST = {"SH": 16, "CS": 16, "LO": 64, "ST": 1024, "UR": 4096}


def planted() -> list[tuple[str, str, str]]:
    """Kind, attribute and value."""
    found = []
    for kind, listed in VALUES.items():
        for value in (part.strip() for line in listed.strip().splitlines() for part in line.split("|")):
            for keyword in (WEB,) if kind == "address of the web" else PLACES:
                vr = dictionary_VR(tag_for_keyword(keyword) or 0)
                code = value.upper().replace(",", "").replace("'", "").replace("@", "")
                text = code if vr == "CS" else value
                if len(text) <= LONGEST[vr] and (vr != "CS" or text.isascii()):
                    found.append((kind, keyword, text))
    return found


def file_with(keyword: str, value: str) -> bytes:
    """A radiograph of another patient, with the value."""
    ds = clean()
    ds.SpecificCharacterSet = "ISO_IR 192"
    if keyword == "CodeMeaning":
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "399067008", "SCT", value
        ds.ViewCodeSequence = [code]
    else:
        setattr(ds, keyword, value)
    return encode(ds)


def left(data: bytes, value: str, profile: Profile) -> bool:
    """Whether a copy holds the value's text."""
    copy = pydicom.dcmread(io.BytesIO(deidentify(data, CopySettings(profile, Pseudonyms(bytes(32)))).data))
    return any(value in str(element.value) for element in copy.iterall() if element.VR != "SQ")


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")
    basic = load_profile("basic")
    dropping = basic
    if "drop_unknown_text" in {field.name for field in fields(Profile)}:
        dropping = replace(basic, drop_unknown_text=True)
    counts: dict[str, Counter[str]] = {}
    missed = []
    for kind, keyword, value in planted():
        data = file_with(keyword, value)
        tag = tag_for_keyword(keyword) or 0
        place = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
        severities = {f.severity for f in scan_bytes(data, basic).findings if f.where.endswith(place)}
        count = counts.setdefault(kind, Counter())
        count["values"] += 1
        count["error" if "error" in severities else "notice" if severities else "not told"] += 1
        count["left"] += left(data, value, basic)
        count["left, dropping"] += left(data, value, dropping)
        if not severities:
            missed.append((keyword, value))
    columns = ("values", "error", "notice", "not told", "left", "left, dropping")
    print("kind", *columns, sep=" | ")
    whole: Counter[str] = Counter()
    for kind, count in counts.items():
        print(kind, *(count[column] for column in columns), sep=" | ")
        whole += count
    print("all", *(whole[column] for column in columns), sep=" | ")
    print("not told:", missed)
    false_alarms(basic)


def false_alarms(basic: Profile) -> None:
    """The same on the values of real files."""
    told: dict[tuple[int, bytes], str] = {}
    files = with_notice = with_error = 0
    for package in ("pydicom", "data_store", "deid_data"):
        spec = find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            for path in sorted(Path(place).rglob("*")):
                if path.is_file() and path.stat().st_size < 8 << 20 and is_dicom(path.read_bytes()):
                    rules = values_of_file(path.read_bytes(), basic, told)
                    files += 1
                    with_error += any(
                        rule.startswith("kept-text") and "unknown" not in rule for rule in rules
                    )
                    with_notice += "kept-text/unknown" in rules
    print(f"{files} files: {with_notice} with a notice, {with_error} with an error by kept-text rules")
    print(f"{len(told)} different values:", dict(Counter(told.values())))


def values_of_file(data: bytes, profile: Profile, told: dict[tuple[int, bytes], str]) -> set[str]:
    """The rules that the values of one file break; every different value goes into ``told`` as well."""
    judge, reader, found = Judge(profile), FileReader(data), set()
    try:
        list(reader.walk_meta())
        for element in reader.walk_data_set():
            judge.codec = "latin-1" if element.tag == 0x00080005 else judge.codec
            text = element.vr in ("CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT")
            if text and element.filled and lookup(element.tag) is None and not element.tag & 0x10000:
                judged = judge.judge(element)
                rule = judged.rule.id if judged else "none"
                told[element.tag, element.value] = rule
                found.add(rule)
    except DamagedError:
        pass
    return found


if __name__ == "__main__":
    main()
