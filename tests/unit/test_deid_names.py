"""Names are found in every script and spelling, with the real character sets, and not by chance."""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
import pytest
from deid_samples import clean, element, encode
from pydicom.dataset import Dataset
from test_deid_deidentify import BASIC, KEY, identified

from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.judging.check import check_bytes, check_paths
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.values.encoded_search import EncodedSearch
from privxray.deid.values.glued import GluedSearch
from privxray.deid.values.name_terms import name_terms
from privxray.deid.values.spellings import declined, spellings
from privxray.deid.values.substrings import Substrings
from privxray.deid.values.unspaced_scripts import encodings, unspaced_terms

JAPANESE = "Yamada^Tarou=山田^太郎=やまだ^たろう"
KOREAN = "Hong^Gildong=洪^吉洞=홍^길동"
CHINESE = "Wang^XiaoDong=王^小东"
THAI = "Jaidee^Somchai=ใจดี^สมชาย"
LAO = "Souk^Bounmy=ສຸກ^ບຸນມີ"

CASES = [
    (["", "ISO 2022 IR 87"], JAPANESE, "山田太郎"),
    (["", "ISO 2022 IR 87"], JAPANESE, "患者山田太郎様"),
    (["", "ISO 2022 IR 87"], JAPANESE, "太郎山田の胸部"),
    (["", "ISO 2022 IR 87"], JAPANESE, "胸部 山田 太郎 正面"),
    (["", "ISO 2022 IR 87"], JAPANESE, "患者山田様"),
    (["", "ISO 2022 IR 87"], JAPANESE, "患者Yamada様"),
    (["", "ISO 2022 IR 87"], JAPANESE, "ヤマダタロウ"),
    (["", "ISO 2022 IR 87", "ISO 2022 IR 159"], "Fukuda^Michio=侒^侓侔", "侒侓侔"),
    (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう", "ﾔﾏﾀﾞﾀﾛｳ様"),
    (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう", "山田太郎"),
    (["", "ISO 2022 IR 149"], KOREAN, "환자홍길동님"),
    (["", "ISO 2022 IR 149"], KOREAN, "길동홍"),
    (["", "ISO 2022 IR 149"], KOREAN, "洪吉洞"),
    (["GB18030"], CHINESE, "病人王小东胸部"),
    (["GBK"], CHINESE, "小东王"),
    (["", "ISO 2022 IR 58"], CHINESE, "病人王小东胸部"),
    (["ISO_IR 192"], CHINESE, "王 小东"),
    (["ISO_IR 192"], "王伟", "病人王伟胸部"),
    (["ISO_IR 192"], JAPANESE, "患者山田太郎様"),
    (["ISO_IR 192"], KOREAN, "홍길동은"),
    (["ISO_IR 166"], "ใจดี^สมชาย", "นายสมชายใจดี"),
    (["ISO_IR 166"], "ใจดี^สมชาย", "ผู้ป่วยสมชาย มาตรวจ"),
    (["ISO_IR 192"], THAI, "นายสมชาย ใจดี"),
    (["ISO_IR 192"], LAO, "ທ້າວບຸນມີສຸກ"),
    (["ISO_IR 192"], "ខៀវ^សំណាង", "លោកខៀវសំណាង"),
    (["ISO_IR 192"], "शर्मा^प्रियंका", "मरीज़ प्रियंका है"),
    (["ISO_IR 100"], "Zorvath^Kwimbley", "ZorvathKwimbley"),
    (["ISO_IR 100"], "Zorvath^Kwimbley", "KWIMBLEYZORVATH1"),
    (["ISO_IR 100"], "Zorvath^Kwimbley", "PatZorvath"),
    (["ISO_IR 100"], "Lee^Anna", "LeeAnna"),
    (["ISO_IR 100"], "O'Brien^Sinead", "OBRIEN"),
    (["ISO_IR 100"], "OBrien^Sinead", "for O'Brien"),
    (["ISO_IR 100"], "Smith-Jones^Al", "smithjones"),
    (["ISO_IR 100"], "Van den Berg^Al", "VANDENBERG"),
    (["ISO_IR 100"], "Åse^Bjørn", "AASE BJOERN"),
    (["ISO_IR 100"], "Åse^Bjørn", "ase bjorn"),
    (["ISO_IR 100"], "Müllerößky^Jo", "MUELLEROESSKY"),
    (["ISO_IR 100"], "Müllerößky^Jo", "mullerossky"),
    (["ISO_IR 100"], "MUELLER^JOERN", "für Müller"),
    (["ISO_IR 100"], "Sæther^Þór", "SAETHER"),
    (["ISO_IR 144"], "Иванова^Анна", "снимок Ивановой"),
    (["ISO_IR 144"], "Иванов^Пётр", "для Иванова"),
    (["ISO_IR 192"], "Достоевский^Фёдор", "Достоевскому"),
    (["ISO_IR 192"], "Шевчук^Лев", "Шевчука"),
    (["ISO_IR 192"], "Лисова^Яна", "для Лисовой"),
    (["ISO_IR 192"], "Лысенко^Яна", "Лысенком"),
    (["ISO_IR 101"], "Kowalska^Ewa", "dla Kowalskiej"),
    (["ISO_IR 101"], "Nováková^Eva", "paní Novákové"),
    (["ISO_IR 100"], "Petrović^Ana", "Petroviću"),
]


def patient(charset: list[str], name: str, text: str) -> bytes:
    """An original with a patient's name, and a text in an attribute that Table E.1-1 does not name."""
    ds = identified()
    ds.SpecificCharacterSet = charset if "ć" not in name else ["ISO_IR 192"]
    ds.PatientName = name
    ds.FilterType = text[:16]
    ds.ContentDescription = text
    code = Dataset()
    code.CodeMeaning, code.CodeValue, code.CodingSchemeDesignator = text, "1", "99LOCAL"
    ds.ViewCodeSequence = [code]
    return encode(ds)


PLACES = {"(0018,1160)", "(0070,0081)", "(0054,0220)[0]/(0008,0104)"}


@pytest.mark.parametrize(("charset", "name", "text"), CASES, ids=[f"{c[0][-1]}-{c[2]}" for c in CASES])
def test_a_name_in_a_kept_attribute_is_found_and_gone_from_the_copy(
    charset: list[str], name: str, text: str
) -> None:
    data = patient(charset, name, text)
    report = check_bytes(data, name="x", path=Path("x"))
    assert {f.where for f in report.findings if f.rule == "leak"} == PLACES
    copy = pydicom.dcmread(io.BytesIO(deidentify(data, CopySettings(BASIC, Pseudonyms(KEY))).data))
    kept = [copy.FilterType, copy.get("ContentDescription", "")]
    kept += [code.get("CodeMeaning", "") for code in copy.get("ViewCodeSequence", [])]
    assert not [value for value in kept if value not in ("ANONYMIZED", "")]


def test_a_name_is_found_in_a_file_of_another_character_set(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(patient(["", "ISO 2022 IR 87"], JAPANESE, "x"))
    for number, charset in enumerate(("ISO_IR 192", "GB18030", "")):
        ds = clean()
        ds.SpecificCharacterSet = charset or "ISO_IR 192"
        ds.ContrastBolusAgent = "患者山田太郎様"
        if not charset:  # UTF-8 that the file does not declare
            data = encode(ds).replace(
                b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 192", b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 6  "
            )
        else:
            data = encode(ds)
        (tmp_path / f"b{number}.dcm").write_bytes(data)
    found = {
        file.path.name
        for file in check_paths([tmp_path]).files
        for f in file.findings
        if f.where == "(0018,0010)"
    }
    assert found == {"b0.dcm", "b1.dcm", "b2.dcm"}


@pytest.mark.parametrize(
    "code",
    [
        "山田太郎".encode(),
        "山田太郎".encode("utf-16-le"),
        "山田太郎".encode("utf-16-be"),
        "山田太郎".encode("shift_jis"),
        "山田太郎".encode("euc_jp"),
        "山田太郎".encode("iso2022_jp"),
        "山田 太郎".encode("gb18030"),
        "山田^太郎".encode("shift_jis"),
    ],
)
def test_a_name_in_bytes_is_found_in_every_encoding_of_its_script(code: bytes) -> None:
    leaks = LeakSearch([("name", JAPANESE)])
    leaks = LeakSearch.from_json(leaks.to_json())  # as a worker gets it
    for around in (b"", b"\x01", b"A", b"\xb7\x9f"):
        data = around + code + around
        assert leaks.in_bytes(data, 0, len(data))


@pytest.mark.parametrize(
    "data",
    [
        b"xZorvathy",  # beside letters
        b"\x07Zorvath",
        b"GZorvath\0",  # 0x47: a length
        b"9Zorvath1961",
        b"\xc9Zorvath\xe8",
        b"xMRN4471902",
        b"A4471902B",
        b"84471902",  # 0x38: a length
        b"1.2.3.44719021",
        b"DOB19520130120000",
        b"\0Z\0o\0r\0v\0a\0t\0h\0x\0",
    ],
)
def test_an_identifier_in_bytes_is_found_directly_beside_a_letter_a_digit_or_a_length(data: bytes) -> None:
    leaks = LeakSearch([("name", "Zorvath^Kwi"), ("id", "4471902"), ("date", "19520130")])
    for around in (b"", bytes(9), b"\2\3"):
        block = around + data + around
        assert leaks.in_bytes(block, 0, len(block))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Record^Al", "RECORDS"),  # within a term
        ("Lung^Al", "LUNGE"),  # four letters within a word
        ("Berg^Al", "BERGMAN"),
        ("山田^太郎", "山の田"),
        ("山田^太郎", "大山田町"),  # two characters of a longer run
        ("김^지원", "지원되는 장치"),
        ("王^伟", "伟大"),
        ("Иван^Ян", "Иванушка"),
        ("Ås^Bo", "as"),
        ("Li^An", "lian"),
    ],
)
def test_what_would_match_by_chance_is_passed_over(name: str, text: str) -> None:
    assert not LeakSearch([("name", name)]).in_text(text)


def test_numbers_within_numbers() -> None:
    leaks = LeakSearch([("id", "447190"), ("id", "44719025"), ("date", "19520130")])
    assert leaks.in_text("x447190y")
    assert leaks.in_text("44719099")
    assert not leaks.in_text("447190999")  # six digits in nine
    assert leaks.in_text("99944719025999")
    assert leaks.in_text("X19520130093000")
    assert not leaks.in_value(b"1.2.447190999", "ascii", joined=False)


def test_a_table_that_counts_up_is_no_record_number() -> None:
    leaks = LeakSearch([("id", "12345678")])
    assert not leaks.in_bytes(bytes(range(256)), 0, 256)
    assert leaks.in_bytes(b"\x0012345678\0", 0, 10)


def test_a_record_number_is_found_without_the_letters_before_it() -> None:
    assert LeakSearch([("id", "MRN4471902")]).in_text("no 4471902")


def test_spellings_of_a_word() -> None:
    assert {"muller", "mueller"} <= spellings("Müller")
    assert {"bjorn", "bjoern"} <= spellings("BJØRN")
    assert {"ase", "aase"} <= spellings("Åse")
    assert {"mueller", "muller"} <= spellings("Mueller")
    assert len(spellings("äöüäöüäöüäöü")) <= 20


def test_forms_of_slavic_names() -> None:
    assert {"лисова", "лисовои", "лисову", "лисов"} <= declined("Лисов")
    assert {"лисова", "лисовои", "лисову"} <= declined("Лисова")
    assert declined("Иванова") == declined("Иванов") == {"иванов"}  # found within its forms
    assert declined("Достоевская") == declined("Достоевский") == {"достоевск"}
    assert {"марии", "мариеи"} <= declined("Мария")
    assert {"анны", "аннои"} <= declined("Анна")
    assert declined("Яна") == declined("Лис") == set()
    assert declined("Лис") == declined("Smith") == declined("Martin") == set()
    assert declined("Kowalski") == declined("Kowalska") == {"kowalsk"}
    assert {"lisovou", "lisove", "lisova"} <= declined("Lisova") | declined("Lisov")
    assert {"novakove", "novakova", "novakovi"} <= declined("Novák")


def test_terms_of_a_name() -> None:
    terms = name_terms("O'Brien^Li")
    assert {"obrien", "brien"} <= terms.words
    assert terms.phrases == set()
    assert name_terms("Li^Wu").phrases == {"li wu", "wu li"}
    assert name_terms(JAPANESE).anywhere >= {"山田太郎", "太郎山田", "やまたたろう"}
    assert name_terms(JAPANESE).alone >= {"山田", "太郎"}


def test_a_name_of_many_spellings_is_bounded() -> None:
    terms = name_terms(" ".join(["äöüßæøå" * 3] * 6) + "^" + " ".join(["Ææäöü" * 9] * 9))
    assert len(terms.words) < 4000


def test_single_characters_are_never_looked_for() -> None:
    terms = unspaced_terms(["王", "伟"])
    assert terms.anywhere == {"王伟"}
    assert terms.alone == {"伟王"}
    assert unspaced_terms(["王"]) == (frozenset(), frozenset())


def test_many_texts_at_once() -> None:
    search = Substrings(["abc", "abcd", "xyz"], head=3)
    assert list(search.places("zabcdxyz")) == [(1, 4), (1, 5), (5, 8)]
    assert not Substrings(["ab"], head=3)


def test_parts_of_a_word_of_letters_and_digits() -> None:
    search = GluedSearch({"smith", "zk4471b", "881234"}, {"19520130"})
    assert all(map(search.found, ("smith1961", "xzk4471bx", "a881234", "19520130120000", "a19520130")))
    assert not any(map(search.found, ("smithy", "881234", "5588123", "zk4471")))


def test_encodings_are_long_enough_not_to_be_met_by_chance() -> None:
    assert min(map(len, encodings("山田太郎"))) >= 6
    assert not list(encodings("山"))
    assert not EncodedSearch(["山"])
    assert not EncodedSearch(["山田太郎"]).found(b"xx")


def test_a_short_name_in_bytes_is_found_beside_a_length_above_127() -> None:
    leaks = LeakSearch([("name", "Li^Wu"), ("name", "Åse^Bo")])
    for data in (b"\xc8for li wu\xc8", b"\0\0for WU^LI\0", b"xx\xe8Li, Wu yy"):
        assert leaks.in_bytes(data, 0, len(data))
    apart = b"\0\0\0from li\0\0\0\0wu goes\0"
    assert not leaks.in_bytes(apart, 0, len(apart))  # two texts, not one


def test_another_element_s_bytes_are_searched(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(patient(["ISO_IR 192"], JAPANESE, "x"))
    tail = element(0x00090010, "LO", b"ACME") + element(
        0x00091001, "OB", b"\x01" + "山田太郎".encode("shift_jis") + b"\0"
    )
    (tmp_path / "b.dcm").write_bytes(encode(clean()) + tail)
    report = check_paths([tmp_path])
    assert ("leak-bytes", "(0009,1001)") in {(f.rule, f.where) for f in report.files[1].findings}
