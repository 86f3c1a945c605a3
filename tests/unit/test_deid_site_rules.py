"""A site's own rules in its profile: fixed values by attribute, and black regions by device."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import deid_samples as samples
import numpy as np
import pydicom
import pytest
from refusals import refused
from test_deid_deidentify import KEY, identified
from test_deid_pixels import image, noise

from privxray.deid.cleaning.copies.settings_digest import settings_digest
from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.verify_copy import NotCleanError
from privxray.deid.judging.check import check_paths
from privxray.deid.profile.profile import Profile
from privxray.deid.profile.profile_file import load_profile
from privxray.deid.profile.profile_json import profile_from_json, profile_to_json
from privxray.errors import MalformedError

RULES = """
name: our-site
base: basic
replacements:
  - {attribute: InstitutionName, value: Klinikum Sieben}
  - {attribute: BodyPartExamined, match: '(?i).*(thorax|lung).*', value: CHEST}
  - {attribute: StudyDescription, match: '(?i).*follow.?up.*', value: Follow-up}
  - {attribute: StudyDescription, value: Other}
black:
  - {manufacturer: 'acme.*', model: 'X-?1', rows: 32, columns: 40, regions: [[0, 0, 40, 4], [30, 28, 99, 99]]}
  - {manufacturer: other, regions: [[0, 0, 1, 1]]}
"""


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    path = tmp_path / "site.yaml"
    path.write_text(RULES)
    return load_profile(path)


def copied(ds: pydicom.Dataset, profile: Profile) -> pydicom.Dataset:
    data = deidentify(samples.encode(ds), CopySettings(profile, Pseudonyms(KEY))).data
    return pydicom.dcmread(io.BytesIO(data))


@pytest.mark.parametrize(
    ("described", "part", "expected"),
    [
        ("Herr Quackenbush, follow up", "THORAX PA", ("Follow-up", "CHEST")),
        ("Herr Quackenbush", "LUNG", ("Other", "CHEST")),
        ("FOLLOW-UP of 12.3.1961", "HAND", ("Follow-up", "HAND")),
    ],
)
def test_a_fixed_value_is_chosen_by_the_original_and_holds_nothing_of_it(
    profile: Profile, described: str, part: str, expected: tuple[str, str]
) -> None:
    ds = identified()
    ds.InstitutionName, ds.StudyDescription, ds.BodyPartExamined = "St Elsewhere", described, part
    inner = pydicom.Dataset()
    inner.StudyDescription = described
    ds.RequestAttributesSequence = [inner]
    new = copied(ds, profile)
    assert (new.StudyDescription, new.BodyPartExamined) == expected
    assert new.InstitutionName == "Klinikum Sieben"
    assert str(new.PatientID).startswith("PX-")
    plain = copied(ds, load_profile("basic"))
    assert "InstitutionName" not in plain or new.InstitutionName != plain.InstitutionName


def test_what_is_not_there_or_empty_is_not_made_up(profile: Profile) -> None:
    ds = identified()
    for keyword in ("InstitutionName", "StudyDescription"):
        if keyword in ds:
            delattr(ds, keyword)
    ds.BodyPartExamined = ""
    new = copied(ds, profile)
    assert not {"InstitutionName", "StudyDescription"} & set(dir(new))
    assert not new.get("BodyPartExamined")


def test_the_check_by_this_profile_accepts_these_values_alone(profile: Profile, tmp_path: Path) -> None:
    ds = identified()
    ds.InstitutionName, ds.StudyDescription = "St Elsewhere", "anything"
    path = tmp_path / "copy.dcm"
    path.write_bytes(deidentify(samples.encode(ds), CopySettings(profile, Pseudonyms(KEY))).data)
    (file,) = check_paths([path], profile=profile).files
    assert file.verdict == "pass", file.findings
    (file,) = check_paths([path], profile=load_profile("basic")).files
    assert file.verdict == "fail"
    other = pydicom.dcmread(path)
    other.InstitutionName = "Klinikum Acht"
    other.save_as(path)
    (file,) = check_paths([path], profile=profile).files
    assert file.verdict == "fail"


def device(values: np.ndarray, **attributes: Any) -> pydicom.Dataset:
    ds = image(values, BitsStored=12, HighBit=11)
    ds.Manufacturer, ds.ManufacturerModelName = "ACME Medical", "x1"
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def test_regions_of_a_device_are_black_and_nothing_else_changes(profile: Profile) -> None:
    values = noise("<u2", 500, 3000)
    new = copied(device(values, BurnedInAnnotation="YES"), profile)
    pixels = np.frombuffer(new.PixelData, "<u2").reshape(values.shape)
    expected = values.copy()
    expected[:4] = expected[28:, 30:] = values.min()
    np.testing.assert_array_equal(pixels, expected)
    assert new.BurnedInAnnotation == "NO"
    assert "113101" in [code.CodeValue for code in new.DeidentificationMethodCodeSequence]


@pytest.mark.parametrize(
    "other",
    [
        {"Manufacturer": "Their ACME"},
        {"ManufacturerModelName": "x11"},
        {"Manufacturer": "A" * 2000},
    ],
)
def test_pictures_of_another_device_keep_their_pixels(profile: Profile, other: dict[str, str]) -> None:
    values = noise("<u2", 500, 3000)
    new = copied(device(values, **other), profile)
    np.testing.assert_array_equal(np.frombuffer(new.PixelData, "<u2").reshape(values.shape), values)
    with pytest.raises(NotCleanError, match="annotations are burned"):
        copied(device(values, BurnedInAnnotation="YES", **other), profile)


def test_another_size_is_another_picture(profile: Profile) -> None:
    values = noise("<u2", 500, 3000, 40, 32)
    ds = device(values)
    ds.Rows, ds.Columns = 40, 32
    np.testing.assert_array_equal(np.frombuffer(copied(ds, profile).PixelData, "<u2"), values.ravel())


def test_rules_survive_json_and_count_in_the_folder_of_copies(profile: Profile) -> None:
    assert profile_from_json(profile_to_json(profile)).site == profile.site
    assert profile.summary == "profile our-site, 4 fixed values, 2 black region rules"
    basic = load_profile("basic")
    assert settings_digest(profile, False) != settings_digest(basic, False)
    assert "site" not in profile_to_json(basic)


def test_the_newer_profile_counts_before_its_base(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(RULES)
    (tmp_path / "trial.yaml").write_text(
        "name: trial\nbase: site.yaml\nreplacements: [{attribute: InstitutionName, value: Trial}]\n"
    )
    ds = identified()
    ds.InstitutionName = "St Elsewhere"
    assert copied(ds, load_profile(tmp_path / "trial.yaml")).InstitutionName == "Trial"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("replacements: [{attribute: PatientName, value: X}]", "profile.replacement-attribute"),
        ("replacements: [{attribute: PatientID, value: X}]", "profile.replacement-attribute"),
        ("replacements: [{attribute: StudyInstanceUID, value: '1.2'}]", "profile.replacement-attribute"),
        ("replacements: [{attribute: PixelData, value: X}]", "profile.replacement-attribute"),
        ("replacements: [{attribute: ReferencedStudySequence, value: X}]", "profile.replacement-attribute"),
        ("replacements: [{attribute: '(0019,A,23)', value: X}]", "profile.replacement-attribute"),
        ("replacements: [{attribute: Nonsense, value: X}]", "profile.unknown-attribute"),
        ("replacements: [{attribute: Modality, match: '(', value: X}]", "profile.expression"),
        ("replacements: [{attribute: Modality, value: 'a\\\\b'}]", "profile.wrong-field"),
        ("black: [{manufacturer: '[', regions: [[0, 0, 1, 1]]}]", "profile.expression"),
        ("black: [{regions: [[0, 0, 0, 1]]}]", "profile.wrong-field"),
        ("black: [{regions: []}]", "profile.wrong-field"),
        ("black: [{regions: [[0, 0, 1]]}]", "profile.wrong-field"),
    ],
)
def test_a_rule_that_can_t_be_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(f"name: site\nbase: basic\n{text}\n")
    with refused(MalformedError, reason):
        load_profile(path)


def test_the_example_that_comes_with_privxray_is_read() -> None:
    found = load_profile(Path(__file__).parents[2] / "examples" / "site-rules.yaml")
    assert found.site.replacements
    assert found.site.black
