"""Profiles: options of Table E.1-1, overrides, pseudonym forms, and profile files that are wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from privxray.deid.profile.annex_e import content_rows, rows, safe_private
from privxray.deid.profile.profile import Action, Dates, Profile, ProfileOption
from privxray.deid.profile.profile_file import MAX_PROFILE, load_profile, packaged
from privxray.deid.profile.pseudonym_forms import is_uuid8, pseudonym_of, uid_of
from privxray.errors import MalformedError, UsageError

SEX, NAME, STUDY_DATE, STATION, MODALITY = 0x00100040, 0x00100010, 0x00080020, 0x00081010, 0x00080060
GEMS = (0x00191027, "GEMS_ACQU_01")


def load(folder: Path, text: str) -> Profile:
    path = folder / "profile.yaml"
    path.write_text(text)
    return load_profile(path)


@pytest.mark.parametrize("option", list(ProfileOption)[:10])
def test_an_option_replaces_the_base_action_where_its_column_says_so(option: ProfileOption) -> None:
    basic, taken = Profile(), Profile(options=frozenset({option}))
    changed = 0
    for row in rows():
        if "x" in row.tag or "g" in row.tag:
            continue
        tag = int(row.tag[1:5] + row.tag[6:10], 16)
        expected = row.options.get(option.value)
        if expected:
            changed += 1
            assert taken.actions(tag) == (Action(expected),)
        else:
            assert taken.actions(tag) == basic.actions(tag)
            assert "/".join(basic.actions(tag)) == row.action.replace("*", "")
    # the counts of the standard's table, edition 2026d, without its four rows of masks
    assert (
        changed
        == {
            "retain_safe_private": 0,
            "retain_uids": 60,
            "retain_device_identity": 59,
            "retain_institution_identity": 10,
            "retain_patient_characteristics": 19,
            "retain_longitudinal_full_dates": 169,
            "retain_longitudinal_modified_dates": 169,
            "clean_descriptors": 141,
            "clean_structured_content": 4,
            "clean_graphics": 1,
        }[option.value]
    )


def test_masks_and_elements_that_no_row_governs() -> None:
    graphics = Profile(options=frozenset({ProfileOption.CLEAN_GRAPHICS}))
    for tag in (0x60023000, 0x60024000, 0x50020010):
        assert Profile().actions(tag) == (Action.X,)
        assert graphics.actions(tag) == (Action.C,)
    assert Profile().actions(MODALITY) == ()


def test_two_options_allow_either() -> None:
    both = Profile(
        options=frozenset(
            {ProfileOption.RETAIN_DEVICE_IDENTITY, ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES}
        )
    )
    assert both.actions(0x00181200) == (Action.K, Action.C)  # Date of Last Calibration


def test_safe_private_attributes() -> None:
    assert len(safe_private()) == 130
    safe = Profile(options=frozenset({ProfileOption.RETAIN_SAFE_PRIVATE}))
    assert Profile().actions(*GEMS) == (Action.X,)
    assert safe.actions(*GEMS) == (Action.K,)
    assert safe.actions(0x00191127, "GEMS_ACQU_01") == (Action.K,)  # another block of the same creator
    assert safe.actions(0x00191027, "ACME") == safe.actions(0x00191027) == (Action.X,)
    assert safe.actions(0x00190010) == (Action.K, Action.X)


def test_content_items() -> None:
    assert len(content_rows()) == 214
    basic, uids = Profile(), Profile(options=frozenset({ProfileOption.RETAIN_UIDS}))
    assert basic.content_actions("DCM", "121022", "TEXT") == (Action.X,)
    assert basic.content_actions("DCM", "121112", "IMAGE") == (Action.D,)
    assert basic.content_actions("DCM", "121112", "WAVEFORM") == (Action.X,)
    assert basic.content_actions("DCM", "121112", "TEXT") == (
        Action.D,
    )  # not listed: the concept's first row
    assert uids.content_actions("DCM", "121112", "IMAGE") == (Action.K,)
    assert basic.content_actions("DCM", "no such", "TEXT") == ()


def test_dates_and_methods() -> None:
    assert Profile().dates == Dates.REMOVED
    research = load_profile("research")
    assert research.dates == Dates.MODIFIED
    assert [code for code, _ in research.methods] == ["113100", "113107", "113108", "113109"]
    assert research.is_temporal(STUDY_DATE)
    assert not research.is_temporal(0x00100030)
    with pytest.raises(UsageError) as caught:
        research.with_options({ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES})
    assert caught.value.reason == "profile.full-and-modified-dates"


def test_codes_of_cid_7050_are_all_there_once() -> None:
    assert sorted(int(option.code) for option in ProfileOption) == list(range(113101, 113113))


def test_packaged_profiles_load() -> None:
    assert packaged() == ("basic", "research")
    for name in packaged():
        assert load_profile(name).name == name


def test_a_profile_file(tmp_path: Path) -> None:
    profile = load(
        tmp_path,
        """
name: site
base: research
options: [retain_uids]
overrides:
  - {attribute: StationName, action: K}
  - {attribute: "(0008,0060)", action: X}
  - {attribute: "(60xx,3000)", action: K}
  - {attribute: "(0019,GEMS_ACQU_01,27)", action: K}
pseudonyms:
  - {attributes: [PatientID], pattern: "SITE[0-9]{4}"}
new_uids: ["1.2.826.0.1.3680043.10.1."]
""",
    )
    assert ProfileOption.RETAIN_UIDS in profile.options
    assert ProfileOption.RETAIN_DEVICE_IDENTITY in profile.options
    assert profile.actions(STATION) == (Action.K,)
    assert profile.actions(MODALITY) == (Action.X,)
    assert profile.actions(0x60043000) == (Action.K,)
    assert profile.actions(*GEMS) == (Action.K,)
    assert profile.actions(0x00191028, "GEMS_ACQU_01") == (Action.X,)
    assert profile.is_pseudonym(0x00100020, "SITE0042")
    assert not profile.is_pseudonym(0x00100020, "SITE0042x")
    assert not profile.is_pseudonym(NAME, "SITE0042")
    assert profile.is_pseudonym(NAME, pseudonym_of(bytes(range(10))))
    assert profile.is_new_uid("1.2.826.0.1.3680043.10.1.7")
    assert not profile.is_new_uid("1.2.826.0.1.3680043.10.17.7")
    assert "4 overrides" in profile.summary


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: x\noptions: [keep_everything]", "profile.unknown-option"),
        ("name: x\nunknown: 1", "profile.wrong-field"),
        ("name: 'a b'", "profile.wrong-field"),
        ("name: x\noverrides: [{attribute: NoSuchKeyword, action: K}]", "profile.unknown-attribute"),
        ("name: x\noverrides: [{attribute: PatientName, action: Q}]", "profile.unknown-action"),
        ("name: x\npseudonyms: [{attributes: [PatientID], pattern: '('}]", "profile.pattern"),
        ("name: x\npseudonyms: [{attributes: ['(60xx,3000)'], pattern: 'A'}]", "profile.pseudonym-attribute"),
        ("name: x\npseudonyms: [{attributes: ['(0019,G,27)'], pattern: 'A'}]", "profile.pseudonym-attribute"),
        ("name: x\nnew_uids: ['1.2']", "profile.uid-form"),
        ("name: x\nbase: profile.yaml", "profile.bases"),
        ("[]", "profile.no-fields"),
        ("{", "profile.not-yaml"),
        ("a: " + "[" * 5000, "profile.not-yaml"),
        ("name: !!python/object/apply:os.getcwd []", "profile.not-yaml"),
        ("#" + "x" * MAX_PROFILE, "profile.too-large"),
        ("name: \udcff", "profile.unreadable"),
    ],
)
def test_a_wrong_profile_file_is_one_line_of_error(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "profile.yaml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(MalformedError) as caught:
        load_profile(path)
    assert caught.value.reason == reason
    assert caught.value.file == "profile.yaml"
    assert "\n" not in str(caught.value)


def test_an_attribute_may_be_named_twice(tmp_path: Path) -> None:
    text = "name: x\npseudonyms: [{attributes: [PatientID, '(0010,0020)'], pattern: 'S[0-9]'}]"
    assert load(tmp_path, text).is_pseudonym(0x00100020, "S1")


def test_an_error_in_a_base_names_the_base(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("{")
    with pytest.raises(MalformedError) as caught:
        load(tmp_path, "name: x\nbase: base.yaml")
    assert (caught.value.reason, caught.value.file) == ("profile.not-yaml", "base.yaml")


def test_a_long_name_is_quoted_in_part(tmp_path: Path) -> None:
    with pytest.raises(MalformedError) as caught:
        load(tmp_path, f"name: x\noptions: [{'o' * 500}]")
    assert len(str(caught.value)) < 200


def test_unknown_profiles(tmp_path: Path) -> None:
    for name in ("no-such-profile", tmp_path):
        with pytest.raises(UsageError) as caught:
            load_profile(name)
        assert caught.value.reason == "profile.unknown"


def test_new_uids_have_a_form_that_no_random_uuid_has() -> None:
    for _ in range(200):
        uid = uid_of(os.urandom(32))
        assert is_uuid8(uid)
        assert len(uid) <= 44
    import uuid

    assert not any(is_uuid8(f"2.25.{uuid.uuid4().int}") for _ in range(200))
    assert not is_uuid8("2.25.0")
    assert not is_uuid8("1.2.3")
    assert not is_uuid8(f"2.25.{(1 << 128) | (8 << 76) | (2 << 62)}")
    assert uid_of(bytes(16)) == uid_of(bytes(17))
