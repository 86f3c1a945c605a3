"""Text in attributes that Table E.1-1 does not name: what is no term is a notice, and may be dropped."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from deid_samples import clean, encode
from test_deid_deidentify import BASIC, KEY, identified

from privxray.deid import tags
from privxray.deid.cleaning.copies.settings_digest import settings_digest
from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.judging.check import check_bytes
from privxray.deid.profile.profile_json import profile_from_json, profile_to_json
from privxray.deid.values.shapes import holds_record_number
from privxray.deid.values.unknown_text import is_unknown
from privxray.deid.values.vocabulary import is_term

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
import vocabulary

DROPPING = replace(BASIC, drop_unknown_text=True)
DESCRIPTION = 0x00700081


def finding_of(text: str, keyword: str = "ContentDescription") -> set[tuple[str, str]]:
    ds = clean()
    ds.SpecificCharacterSet = "ISO_IR 192"
    setattr(ds, keyword, text)
    where = pydicom.tag.Tag(keyword)
    place = f"({where.group:04X},{where.element:04X})"
    report = check_bytes(encode(ds), name="x", path=Path("x"))
    return {(f.rule, f.severity) for f in report.findings if f.where == place}


@pytest.mark.parametrize(
    ("text", "rule", "severity"),
    [
        ("Hans Meyer", "kept-text/unknown", "notice"),
        ("seen by nurse Betty", "kept-text/unknown", "notice"),
        ("HansMeyer", "kept-text/unknown", "notice"),
        ("山田太郎", "kept-text/unknown", "notice"),
        ("снимок Ивановой", "kept-text/unknown", "notice"),
        ("see 4471902", "kept-text/unknown", "notice"),
        ("MEYER HANS 12.03.1961", "kept-text/date", "error"),
        ("born 1961-03-12", "kept-text/date", "error"),
        ("MRN 4471902", "kept-text/number", "error"),
        ("patient no. 88-1234", "kept-text/number", "error"),
        ("call +49 171 2345678", "kept-text", "error"),
        ("h.meyer@example.org", "kept-text", "error"),
    ],
)
def test_what_is_no_term_is_told(text: str, rule: str, severity: str) -> None:
    assert finding_of(text) == {(rule, severity)}


@pytest.mark.parametrize(
    "text", ["", "Iohexol 300 mg", "none", "Omnipaque 350", "contrast 12.5 ml IV", "T1 weighted, axial"]
)
def test_terms_are_not(text: str) -> None:
    assert finding_of(text) == set()


def test_other_attributes() -> None:
    assert finding_of("VB17 2009-07-31", "SoftwareVersions") == set()
    assert finding_of("MEYER", "FilterMaterial") == {("kept-text/unknown", "notice")}
    assert finding_of("COPPER", "FilterMaterial") == set()
    assert finding_of("https://pacs.example/?pid=4471902", "RetrieveURL") == {("kept-text/unknown", "notice")}
    assert finding_of("https://pacs.example/", "RetrieveURL") == set()
    assert finding_of("113100", "CodeValue") == set()


def copied(ds: pydicom.Dataset, *, dropping: bool) -> pydicom.Dataset:
    settings = CopySettings(DROPPING if dropping else BASIC, Pseudonyms(KEY))
    return pydicom.dcmread(io.BytesIO(deidentify(encode(ds), settings).data))


def test_unknown_text_stays_unless_it_is_to_be_dropped() -> None:
    ds = identified()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ManufacturerModelName, ds.FilterType = "Hans Meyer", "WEDGE"
    ds.ContentDescription = "山田太郎"
    ds.ImageType = ["DERIVED", "MEYER", "AXIAL"]
    kept, dropped = copied(ds, dropping=False), copied(ds, dropping=True)
    assert (kept.ManufacturerModelName, kept.ContentDescription) == ("Hans Meyer", "山田太郎")
    assert (dropped.ManufacturerModelName, dropped.ContentDescription) == ("ANONYMIZED", "ANONYMIZED")
    assert list(dropped.ImageType) == ["DERIVED", "ANONYMIZED", "AXIAL"]
    assert dropped.FilterType == "WEDGE"
    assert (dropped.Manufacturer, dropped.BodyPartExamined, dropped.Modality) == ("ACME", "CHEST", "CR")


def test_a_date_or_a_labelled_number_goes_in_any_case() -> None:
    ds = identified()
    ds.ManufacturerModelName, ds.FilterType = "born 1961-03-12", "MRN 4471902"
    copy = copied(ds, dropping=False)
    assert (copy.ManufacturerModelName, copy.FilterType) == ("ANONYMIZED", "ANONYMIZED")


def test_of_several_values_only_the_one_with_the_date_goes() -> None:
    ds = identified()
    ds.ConvolutionKernel = ["B30f", "born 1961-03-12", "SHARP"]
    assert list(copied(ds, dropping=False).ConvolutionKernel) == ["B30f", "ANONYMIZED", "SHARP"]


def test_the_choice_reaches_workers_and_marks_the_folder_of_copies() -> None:
    assert profile_from_json(profile_to_json(DROPPING)).drop_unknown_text
    assert "drop_unknown_text" not in profile_to_json(BASIC)
    assert settings_digest(DROPPING, False) != settings_digest(BASIC, False)
    assert "without unknown text" in DROPPING.summary


def test_words() -> None:
    assert all(map(is_term, ("thorax", "mammogram", "detectors", "perfusion", "syngo", "philips")))
    assert not any(map(is_term, ("hans", "meyer", "betty", "zorvath")))
    assert not is_unknown(DESCRIPTION, "LO", "tfl2d1 B30f")
    assert is_unknown(DESCRIPTION, "LO", "meyer61")
    assert is_unknown(DESCRIPTION, "LT", "a" * 70_000)
    assert not is_unknown(DESCRIPTION, "CS", "FFE\\M")
    assert is_unknown(DESCRIPTION, "CS", "555-123-4567")
    assert not is_unknown(0x00282114, "CS", "ISO_10918_1")  # a defined term
    assert not is_unknown(0x00041500, "CS", "77654033")  # the name of a file, in the index of a medium


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("PID: 4471902", True),
        ("accession no 7788123", True),
        ("ID-88123", True),
        ("slice 44719", False),
        ("id 12", False),
        ("grid 12345", False),
    ],
)
def test_numbers_with_a_word_before_them(text: str, held: bool) -> None:
    assert holds_record_number(text) is held


def test_the_vocabulary_is_made_of_its_sources() -> None:
    listed, _ = vocabulary.vocabulary()
    table = Path(vocabulary.TABLES, "vocabulary.txt").read_text(encoding="ascii").split()
    assert table == listed, "python tests/benchmarks/vocabulary.py"


def test_a_character_set_is_no_record_number_and_stays() -> None:
    """`ISO 2022 IR 87` has six digits; without it the copy's text could not be read."""
    for term in (
        "ISO 2022 IR 87",
        "ISO 2022 IR 149",
        "ISO 2022 IR 159",
        "ISO 2022 IR 58",
        "ISO_IR 192",
        "GB18030",
    ):
        assert not is_unknown(tags.SPECIFIC_CHARACTER_SET, "CS", term)
    assert is_unknown(tags.SPECIFIC_CHARACTER_SET, "CS", "ISO 2022 IR 44719")
    ds = identified()
    ds.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    data = deidentify(encode(ds), CopySettings(DROPPING, Pseudonyms(KEY))).data
    assert list(pydicom.dcmread(io.BytesIO(data)).SpecificCharacterSet) == ["", "ISO 2022 IR 87"]


@pytest.mark.parametrize(
    "number", ["10918_1", "14495_1", "15444_1", "15444_2", "13818_2", "14496_10", "18181_1"]
)
def test_a_standard_of_compression_is_no_record_number(number: str) -> None:
    assert not is_unknown(0x00282114, "CS", f"ISO_{number}")
