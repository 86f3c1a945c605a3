"""Patients whose names are technical words: what an attribute's definition lists stays, and nothing else."""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
import pytest
from deid_samples import encode
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset
from test_deid_deidentify import BASIC, KEY, identified

from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.elements.single_values import replace_offending
from privxray.deid.dicomfile.data_set_tree import Node
from privxray.deid.judging.check import check_bytes
from privxray.deid.values import defined_terms
from privxray.deid.values.defined_terms import is_listed, unlisted, values_of


def patient(name: str) -> Dataset:
    ds = identified()
    ds.PatientName = name
    ds.SeriesDescription = ""
    ds.ImageType = ["DERIVED", "PRIMARY", "PERFUSION", "LONG"]
    ds.Manufacturer = "Philips Medical Systems"
    ds.BodyPartExamined = "CHEST"
    ds.ConvolutionKernel = "SHARP"
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.PatientPosition = "HFS"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "103339001", "SCT", "Long axis"
    ds.ViewCodeSequence = [code]
    return ds


def copied(ds: Dataset) -> Dataset:
    data = deidentify(encode(ds), CopySettings(BASIC, Pseudonyms(KEY))).data
    return pydicom.dcmread(io.BytesIO(data))


@pytest.mark.parametrize(
    "name", ["Perfusion^Al", "Sharp^Philips", "Philips^Medical", "Chest^Bo", "Primary^Ann"]
)
def test_a_term_of_the_attribute_stays_whoever_is_called_so(name: str) -> None:
    ds = patient(name)
    ds.ImageType = ["DERIVED", "PRIMARY", "PERFUSION"]
    copy = copied(ds)
    for keyword in ("ImageType", "Manufacturer", "BodyPartExamined", "ConvolutionKernel", "ViewCodeSequence"):
        assert copy[keyword].value == ds[keyword].value, keyword
    found = check_bytes(encode(ds), name="x", path=Path("x")).findings
    assert not [f for f in found if f.rule.startswith("leak")]


def test_of_several_values_only_the_one_that_offends_is_replaced() -> None:
    ds = patient("Long^Perfusion")
    assert list(copied(ds).ImageType) == ["DERIVED", "PRIMARY", "PERFUSION", "ANONYMIZED"]
    found = check_bytes(encode(ds), name="x", path=Path("x")).findings
    assert ("leak", "(0008,0008)") in {(f.rule, f.where) for f in found}
    assert copied(ds).ViewCodeSequence[0].CodeMeaning == "Long axis"  # a meaning of PS3.16


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("ManufacturerModelName", "PERFUSION"),  # its definition lists no terms
        ("Manufacturer", "Perfusion"),
        ("BodyPartExamined", "PERFUSION"),
        ("Manufacturer", "Philips for Perfusion"),
    ],
)
def test_the_same_word_goes_where_the_definition_does_not_list_it(keyword: str, value: str) -> None:
    ds = patient("Perfusion^Al")
    setattr(ds, keyword, value)
    assert copied(ds)[keyword].value == "ANONYMIZED"


@pytest.mark.parametrize(
    ("value", "listed"),
    [
        ("PHILIPS", True),
        ("Canon Inc.", True),
        ("SHARP CORPORATION", True),
        ("GE MEDICAL SYSTEMS", True),
        ("General Electric Co., Ltd", True),
        ("Agfa-Gevaert", True),
        ("CANON_MEC", True),
        ("Medical Systems", False),  # names nobody's company
        ("Philips Meyer", False),
        ("", True),
    ],
)
def test_manufacturers(value: str, listed: bool) -> None:
    assert is_listed(0x00080070, value) is listed


def test_a_term_counts_in_any_case_and_with_blanks_for_underscores() -> None:
    assert is_listed(0x00080008, "whole_body")
    assert is_listed(0x00080008, " WHOLE BODY\0")
    assert unlisted(0x00080008, "CS", "ORIGINAL\\SHARP\\PERFUSION") == ["SHARP"]
    assert values_of("LT", "a\\b") == ["a\\b"]


def test_the_lists_name_attributes_of_text_and_their_sections() -> None:
    for tag, terms in defined_terms._terms().items():
        assert dictionary_VR(tag) in ("CS", "SH", "LO", "ST", "UT", "LT", "DS", "IS", "UC"), keyword_for_tag(
            tag
        )
        assert terms
    for row in defined_terms._table("defined_terms").values():
        assert row["sections"]


def test_values_that_say_something_together_go_together() -> None:
    node = Node(0x00081090, "LO", b"Li\\Wu\\x")
    replace_offending(node, "ascii", lambda value: b"Li\\Wu" in value)
    assert node.value == b"ANONYMIZED\\ANONYMIZED\\ANONYMIZED"


def test_a_character_that_holds_the_byte_of_a_backslash_is_not_parted() -> None:
    value = "誠\\表".encode("shift_jis")
    node = Node(0x00081090, "LO", value)
    replace_offending(node, "shift_jis", lambda part: part == value)
    assert node.value == b"ANONYMIZED"
