"""Identifying values put in at random places are all found; in properly de-identified files, none is.

The files: pydicom's own, the radiographs of pydicom-data (RG1_*), and deid-data's, each de-identified by the
reference de-identifier of the tests. One more file of the set holds a patient's identity undisguised, as when
somebody forgot one, and the same identity is written into the others: under every value representation, at
depths 0 to 4, in attributes of the table and outside it, in private blocks, unknown attributes and places of
the file meta.

The examples are the same in every run; PRIVXRAY_SEED draws others (tests/unit/chance.py).
"""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

import pydicom
import pytest
from chance import example_seed
from deid_reference import ACTIONS, deidentified
from deid_samples import clean, element, encode, sequence
from pydicom.uid import ExplicitVRLittleEndian

from privxray.deid.dicomfile.dictionary import standard_vr
from privxray.deid.judging.check import check_bytes, check_paths
from privxray.deid.tags import label

_LISTED = "AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SS ST SV TM UC UI UL UN UR US UT UV"
CODES = _LISTED.split()
IDENTITY = {
    "PatientName": "Zwiebelmann^Anna-Lena",
    "PatientID": "MRN/88 12345",
    "PatientBirthDate": "19520130",
    "AccessionNumber": "ACC 7788123",
    "InstitutionName": "Elmwood Park Clinic",
    "PatientAddress": "12 Elm Street",
    "PatientTelephoneNumbers": "+49 30 9876543",
}
VALUES = (
    """
Zwiebelmann^Anna-Lena|ZWIEBELMANN|anna zwiebelmann|MRN/88 12345|mrn8812345|19520130|30.01.1952|7788123
ELMWOOD PARK CLINIC|12 Elm Street|9876543
""".strip()
    .replace("\n", "|")
    .split("|")
)
CONTAINERS = [0x00081115, 0x00081032, 0x00400275, 0x00321064]
BROKEN = {
    # no transfer syntax, or a number that is none, on purpose; text burned in, as the file itself says
    "ExplVR_BigEndNoMeta.dcm", "ExplVR_LitEndNoMeta.dcm", "rtstruct.dcm", "OT-PAL-8-face.dcm", "badVR.dcm",
    "GREYSCALE_IMAGE.dcm",
}  # fmt: skip
MAX_FILE = 20 << 20
PER_FILE = 30


def files() -> list[Path]:
    """Test files of installed packages that are whole DICOM instances."""
    found = list((Path(pydicom.__file__).parent / "data").rglob("*.dcm"))
    for package in ("data_store", "deid_data"):
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            pytest.skip(f"{package} is not installed (pip install privxray[dev])")
        found += Path(spec.submodule_search_locations[0]).rglob("*.dcm")
    assert {"RG1_UNCI.dcm", "GREYSCALE_IMAGE.dcm", "cat.dcm"} <= {path.name for path in found}
    return sorted(path for path in found if path.stat().st_size <= MAX_FILE)


@pytest.fixture(scope="module")
def deidentified_files() -> list[tuple[Path, bytes]]:
    made = []
    for path in files():
        try:
            made.append((path, deidentified(path.read_bytes())))
        except AttributeError:  # no SOP Instance UID: not an instance
            continue
    assert len(made) > 80
    return made


def test_no_error_in_files_that_are_properly_deidentified(
    deidentified_files: list[tuple[Path, bytes]],
) -> None:
    false = [
        (path.name, finding.rule, finding.where)
        for path, data in deidentified_files
        if path.name not in BROKEN
        for finding in check_bytes(data, name="x", path=path).findings
        if finding.severity == "error"
    ]
    assert false == []
    broken = [data for path, data in deidentified_files if path.name in BROKEN]
    assert all(check_bytes(data, name="x", path=Path("x")).verdict != "pass" for data in broken)


def test_no_error_in_the_whole_set_either(
    deidentified_files: list[tuple[Path, bytes]], tmp_path: Path
) -> None:
    for number, (path, data) in enumerate(deidentified_files):
        if path.name not in BROKEN and len(data) < 1 << 20:
            (tmp_path / f"im{number}.dcm").write_bytes(data)
    errors = [f for file in check_paths([tmp_path]).files for f in file.findings if f.severity == "error"]
    # pydicom has some images in several forms, with one UID and not always one series
    assert {f.rule for f in errors} <= {"set-instance", "set-series", "set-study"}


def test_every_injected_value_is_found(deidentified_files: list[tuple[Path, bytes]], tmp_path: Path) -> None:
    seed = example_seed()
    chance = random.Random(seed)
    source = clean()
    for keyword, value in IDENTITY.items():
        setattr(source, keyword, value)
    (tmp_path / "source.dcm").write_bytes(encode(source))
    injected: dict[str, list[tuple[str, str]]] = {}
    for number, data in enumerate(bases(deidentified_files)):
        name = f"im{number:03}.dcm"
        tail, injected[name] = injections(chance)
        (tmp_path / name).write_bytes(data + tail)
    reports = {file.path.name: file for file in check_paths([tmp_path]).files}
    missed = []
    for name, places in injected.items():
        errors = {f.where for f in reports[name].findings if f.severity == "error"}
        assert reports[name].verdict == "fail", f"{name} could not be read; seed {seed}"
        missed += [(what, where) for what, where in places if where not in errors]
    total = sum(map(len, injected.values()))
    assert total >= 1200
    assert not missed, f"{len(missed)} of {total} missed, such as {missed[:20]}; seed {seed}"


def bases(made: list[tuple[Path, bytes]]) -> list[bytes]:
    """Files that more elements can be written after: explicit VR little endian, not deflated."""
    found = []
    for path, data in made:
        meta = pydicom.filereader.read_file_meta_info(path) if path.name not in BROKEN else None
        if (
            meta is not None
            and meta.get("TransferSyntaxUID") == ExplicitVRLittleEndian
            and len(data) < 1 << 20
        ):
            found.append(data)
    return found


def injections(chance: random.Random) -> tuple[bytes, list[tuple[str, str]]]:
    """Elements to write after a file, with what they are and where a finding must be."""
    parts, places = [], []
    for index in range(PER_FILE):
        code = CODES[(index + chance.randrange(len(CODES))) % len(CODES)]
        value = chance.choice(VALUES)
        tag, what = place(chance, code)
        encoded = value.encode()
        if code in ("OB", "UN", "OW") and chance.random() < 0.3:
            encoded = bytes(chance.randrange(256) for _ in range(64)) + b"\0" + encoded + b"\0" * 9
        body = element(tag, code, encoded + b" " * (len(encoded) % 2))
        if tag & 0x10000:
            body = element(tag & 0xFFFF0000 | 0x10, "LO", b"ACME 1.1") + body
        where = label(tag)
        for _ in range(chance.randrange(5)):
            outer, position = chance.choice(CONTAINERS), chance.randrange(2)
            body = sequence(outer, [b""] * position + [body])
            where = f"{label(outer)}[{position}]/{where}"
        parts.append(body)  # each in an item of its own, so that no tag is there twice
        places.append((f"{what} {code} {value}", f"(0040,A370)[{index}]/{where}"))
    return sequence(0x0040A370, parts), places  # not in the table


def place(chance: random.Random, code: str) -> tuple[int, str]:
    """A tag for a value of this representation, and what kind of place it is."""
    kind = chance.choice(["table", "kept", "private", "unknown", "meta"])
    if kind == "private":
        return chance.randrange(0x0009, 0x7FDF, 2) << 16 | 0x1000 | chance.randrange(256), kind
    if kind == "unknown":
        while standard_vr(tag := chance.randrange(0x0008, 0x4000, 2) << 16 | chance.randrange(1, 0xFFFF)):
            pass
        return tag, kind
    if kind == "meta":
        return chance.choice([0x00020016, 0x00020017, 0x00020026]), kind
    listed = [tag for tag in TAGS[code] if (tag in ACTIONS) == (kind == "table") and tag >> 16 != 2]
    return (chance.choice(listed), kind) if listed else (0x00091001, "private")


TAGS: dict[str, list[int]] = {
    code: [
        tag
        for tag in pydicom.datadict.DicomDictionary
        if code in str(standard_vr(tag)).split(" or ")
        and tag >> 16 not in (0x0000, 0xFFFE)
        and tag not in (0x7FE00008, 0x7FE00009, 0x7FE00010, 0x00080005)
    ]
    for code in CODES
}
