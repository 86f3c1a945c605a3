"""The steps by which deidentify changes elements, each alone: dates, words, dummies, pseudonyms, searches."""

from __future__ import annotations

import io
from pathlib import Path

import deid_samples as samples
import pydicom
import pytest
from test_deid_deidentify import BASIC, KEY, SENTINEL, identified

from privxray.deid import tags
from privxray.deid.cleaning.copies import copy_file, copy_worker
from privxray.deid.cleaning.copies.manifest import Entry, Manifest
from privxray.deid.cleaning.copies.read_ahead import ReadAhead
from privxray.deid.cleaning.declare_method import DECLARING, declare_method
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.clean_elements import ElementCleaner
from privxray.deid.cleaning.elements.clean_values import NewIdentity, ValueCleaner
from privxray.deid.cleaning.elements.descriptors import is_safe
from privxray.deid.cleaning.elements.patient_values import (
    NO_VALUES,
    PatientValues,
    instance_uids,
    stored_values,
)
from privxray.deid.cleaning.elements.pseudonyms import MAX_SHIFT, Pseudonyms
from privxray.deid.cleaning.elements.replacement_values import WORD, dummy
from privxray.deid.cleaning.elements.shift_dates import OLD_AGE, capped_age, is_temporal, shifted
from privxray.deid.cleaning.elements.structured_content import is_public_code, item_actions
from privxray.deid.cleaning.elements.value_search import ValueSearch
from privxray.deid.cleaning.strip_pictures import strip_jpeg, strip_png
from privxray.deid.cleaning.verify_copy import NotCleanError, errors_in, verified
from privxray.deid.dicomfile.data_set_tree import Node, Tree
from privxray.deid.dicomfile.part10 import read_part10
from privxray.deid.findings import rules
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.wanted import Wanted
from privxray.deid.pixels.trouble import PixelTroubleError
from privxray.deid.profile.profile import ProfileOption
from privxray.deid.sources.source_file import SourceFile
from privxray.deid.values.dummies import is_dummy

NAMES = Pseudonyms(KEY)
MOVED = BASIC.with_options({ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES})
CHARACTERISTICS = BASIC.with_options({ProfileOption.RETAIN_PATIENT_CHARACTERISTICS})


def cleaner(profile=BASIC, days: int = 0, values: PatientValues = NO_VALUES, **more) -> ValueCleaner:  # type: ignore[no-untyped-def]
    return ValueCleaner(profile, NAMES, NewIdentity("PX-1", days, ValueSearch(values), **more))


# Dates and ages


@pytest.mark.parametrize(
    ("vr", "value", "moved"),
    [
        ("DA", "20240301", "20240229"),
        ("DA", "2024.03.01", "20240229"),  # ACR-NEMA
        ("DA", "00010101", None),  # would leave the calendar
        ("DA", "20230229", None),
        ("DA", "2024", None),
        ("DT", "20240301101500.25+0100", "20240229101500.25+0100"),
        ("DT", "20240301", "20240229"),
        ("DT", "202403", None),
        ("TM", "101500.5", "101500.5"),
        ("TM", "10:15", "10:15"),
        ("TM", "2500", None),
        ("LO", "20240301", None),
    ],
)
def test_whole_dates_move_by_days_and_times_stay(vr: str, value: str, moved: str | None) -> None:
    assert shifted(vr, value, 1) == moved
    if vr != "LO":
        assert is_temporal(vr, value) is (moved is not None or value == "00010101")


@pytest.mark.parametrize(
    ("age", "told"),
    [("089Y", "089Y"), ("090Y", OLD_AGE), ("999M", "999M"), ("012W", "012W"), ("8Y", None), ("", None)],
)
def test_ages_up_to_89_are_told(age: str, told: str | None) -> None:
    assert capped_age(age) == told


def test_what_is_no_date_is_emptied_and_a_value_without_any_date_goes() -> None:
    node = Node(tags.STUDY_DATE, "DA", b"20240301\\2024")
    assert cleaner(MOVED, days=1).move(node)
    assert node.text == "20240229\\"
    assert not cleaner(MOVED, days=1).move(Node(tags.STUDY_DATE, "DA", SENTINEL.encode()))
    zone = Node(tags.TIMEZONE_OFFSET_FROM_UTC, "SH", b"+0100")
    assert cleaner(MOVED).move(zone)
    assert not cleaner(MOVED).move(Node(tags.TIMEZONE_OFFSET_FROM_UTC, "SH", b"+01Anna"))


# Words


@pytest.mark.parametrize("text", ["CHEST PA", "chest (pa/lateral)", "", "L", "T2 axial", "Left\\Right"])
def test_known_terms_stay(text: str) -> None:
    assert is_safe(text.encode())


@pytest.mark.parametrize(
    "text",
    ["CHEST ANNA", "chest 2023", "1 2", "R L T", "Zo\u00eb", "chest;", "chest " * 20, "Rose"],
)
def test_other_words_go(text: str) -> None:
    assert not is_safe(text.encode("latin-1"))


@pytest.mark.parametrize("vr", ["AE", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UT"])
def test_a_dummy_is_one_that_the_check_knows(vr: str) -> None:
    assert is_dummy(vr, dummy(vr, 99))
    assert len(dummy(vr, 99)) <= 16


def test_bytes_and_numbers_keep_their_count() -> None:
    assert dummy("US", 6) == bytes(6)
    assert dummy("OB", 7) == bytes(8)
    assert dummy("DS", 30) == b"0"


# Pseudonyms


def test_a_pseudonym_knows_its_own_key_only() -> None:
    patient, uid = NAMES.patient(" MRN1 "), NAMES.uid("1.2.3\0")
    assert patient == NAMES.patient("MRN1") == NAMES.patient(patient)
    assert uid == NAMES.uid("1.2.3") == NAMES.uid(uid)
    assert (len(patient), uid.startswith("2.25."), len(uid) <= 44) == (19, True, True)
    other = Pseudonyms(bytes(32))
    assert not other.is_own_patient(patient)
    assert not other.is_own_uid(uid)
    assert other.patient(patient) != patient
    assert not NAMES.is_own_uid("2.25.\u0661")
    assert 1 <= NAMES.shift(patient) <= MAX_SHIFT
    assert NAMES.path_part("file", b"x") != NAMES.path_part("study", b"x")


# The patient's values


def test_identifying_values_are_collected_at_every_depth() -> None:
    ds = identified()
    inner = pydicom.Dataset()
    inner.PatientID = "OTHER12345"
    ds.OtherPatientIDsSequence = [inner]
    ds.EthnicGroup = "Common"
    tree = read_part10(samples.encode(ds)).tree
    found = stored_values(tree, BASIC)
    assert {SENTINEL.lower().encode(), b"mrn7654321", b"other12345", b"2015-03-02", b"acc9988776"} <= found
    assert b"common" not in found
    assert not any(len(value) < 3 for value in found)
    assert instance_uids(tree) == {ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID}
    assert SENTINEL not in repr(PatientValues(found))


def test_values_are_searched_as_whole_words() -> None:
    search = ValueSearch(PatientValues(frozenset({b"ray", b"1234", b"zyxwvuts"})))
    assert search.in_text(b"seen by RAY today")
    assert not search.in_text(b"X-rays")
    assert not search.in_text(b"512345")
    assert search.in_bytes(b"\0\1zyxwvuts\0")
    assert not search.in_bytes(b"\0ray\0")  # too short for bytes
    assert not ValueSearch(NO_VALUES).in_text(b"anything")
    known = ValueSearch(PatientValues(frozenset(), frozenset({("id", "MRN7654321")})))
    assert known.in_number(b"MRN7654321")
    assert not known.in_number(b"17")


def test_a_value_that_is_kept_holds_nothing_of_the_patient() -> None:
    values = PatientValues(frozenset({b"zyxwvutsen"}))
    free = Node(0x00187006, "LT", b"plate of Zyxwvutsen")  # Detector Description, which no profile names
    assert cleaner(values=values).keep(free)
    assert free.value == WORD.encode()
    listed = Node(0x00081030, "LO", b"for Zyxwvutsen")  # Study Description, which the table names
    assert not cleaner(values=values).keep(listed)
    assert not cleaner(values=values).keep(Node(0x00189999, "UN", b"..Zyxwvutsen"))
    age = Node(tags.PATIENT_AGE, "AS", b"095Y")
    assert cleaner(CHARACTERISTICS).keep(age)
    assert age.text == OLD_AGE


def test_only_a_files_own_uids_are_renewed_in_what_is_kept() -> None:
    node = Node(0x00081155, "UI", b"1.2.3\\1.2.4\\1.2.840.10008.1.1")
    cleaner(uids=frozenset({"1.2.3"})).keep(node)
    assert node.text == f"{NAMES.uid('1.2.3')}\\1.2.4\\1.2.840.10008.1.1"
    kept = Node(0x00081155, "UI", b"1.2.3")
    cleaner(BASIC.with_options({ProfileOption.RETAIN_UIDS})).renew_uids(kept)
    assert kept.text == "1.2.3"


def test_the_first_alternative_is_taken_in_plain_images_only() -> None:
    def clean(sop_class: str) -> Tree:
        tree = Tree()
        tree.put(0x00181000, "LO", "SERIAL 1")  # Device Serial Number: X/Z/D
        ElementCleaner(BASIC, NAMES, NewIdentity("PX-1", 0, ValueSearch(NO_VALUES)), sop_class).clean(tree)
        return tree

    assert 0x00181000 not in clean("1.2.840.10008.5.1.4.1.1.1").nodes
    assert clean("1.2.840.10008.5.1.4.1.1.88.11").text(0x00181000) == WORD


def test_content_items_go_by_the_name_of_their_concept() -> None:
    cleaned = BASIC.with_options({ProfileOption.CLEAN_STRUCTURED_CONTENT})

    def item(code: str, scheme: str) -> Tree:
        name, tree = Tree(), Tree()
        name.put(tags.CODE_VALUE, "SH", code)
        name.put(tags.CODING_SCHEME_DESIGNATOR, "SH", scheme)
        tree.put(tags.VALUE_TYPE, "CS", "TEXT")
        tree.nodes[tags.CONCEPT_NAME_CODE_SEQUENCE] = Node(
            tags.CONCEPT_NAME_CODE_SEQUENCE, "SQ", items=[name]
        )
        assert is_public_code(name) is (scheme == "DCM")
        return tree

    assert item_actions(cleaned, item("121106", "DCM"))  # Comment
    assert item_actions(cleaned, item("121106", "99ACME")) == ()
    assert item_actions(cleaned, Tree()) == ()


# What the copy says, and the check of it


def test_the_copy_says_how_it_was_made() -> None:
    tree = Tree()
    declare_method(tree, BASIC, searched=False)
    assert set(tree.nodes) == DECLARING
    assert tree.text(tags.PATIENT_IDENTITY_REMOVED) == "YES"
    assert tree.text(tags.DEIDENTIFICATION_METHOD).startswith("privxray ")
    declare_method(tree, BASIC, searched=True)
    assert tree.text(tags.BURNED_IN_ANNOTATION) == "NO"


def test_what_the_check_finds_is_repaired_or_told() -> None:
    file = read_part10(samples.encode(samples.clean()))
    file.tree.put(0x00081030, "LO", f"for {SENTINEL}")
    assert errors_in(verified(file, BASIC, Wanted(LeakSearch())), BASIC) == []
    assert 0x00081030 not in file.tree.nodes
    file.tree.put(tags.STUDY_INSTANCE_UID, "UI", "no UID")
    with pytest.raises(NotCleanError, match=r"^\(0020,000D\): "):
        verified(file, BASIC, Wanted(LeakSearch()))


# JPEG and PNG


def test_pictures_lose_what_is_written_around_them() -> None:
    jpeg = samples.jpeg(comment=SENTINEL.encode()) + SENTINEL.encode()
    assert SENTINEL.encode() not in strip_jpeg(jpeg)
    png = samples.png()
    assert strip_png(png[:33] + samples.chunk(b"tEXt", SENTINEL.encode()) + png[33:]) == png
    for strip, data in (
        (strip_jpeg, samples.jpeg()[:-9]),
        (strip_jpeg, b"\xff\xd8\0\0\0\0"),
        (strip_png, png[:60]),
    ):
        with pytest.raises(PixelTroubleError):
            strip(data)


# Copies in a folder


def test_a_task_and_its_outcome_survive_the_pipe(tmp_path: Path) -> None:
    source = tmp_path / "one.dcm"
    source.write_bytes(samples.encode(identified()))
    values = PatientValues(frozenset({b"anna\xeb"}), frozenset({("name", "Anna")}))
    task = copy_file.CopyTask(SourceFile.on_disk(source), 1, values)
    setup = copy_worker.settings_to_json(tmp_path / "copies", BASIC, Pseudonyms(KEY), 0, LeakSearch())
    worker = copy_worker._Worker()
    assert worker.handle(setup) is None
    answer = worker.handle(copy_worker.task_to_json(task))
    assert answer is not None
    outcome = copy_worker.outcome_from_json(task, answer)
    here = copy_file.copy_file(task, tmp_path / "here", CopySettings(BASIC, NAMES))
    assert outcome == here
    assert (tmp_path / "copies" / str(outcome.entry.result)).read_bytes() == (
        tmp_path / "here" / str(outcome.entry.result)
    ).read_bytes()
    with pytest.raises(OSError, match="No space"):
        copy_worker.outcome_from_json(task, {"refused": 28})


def test_a_file_that_is_not_there_or_must_not_be_copied_has_a_reason(tmp_path: Path) -> None:
    absent = copy_file.CopyTask(SourceFile.on_disk(tmp_path / "none.dcm"), 1)
    outcome = copy_file.copy_file(absent, tmp_path / "copies", CopySettings(BASIC, NAMES))
    assert outcome.entry == Entry(0, 0, "", reason="it can't be read (FileNotFoundError)")
    (tmp_path / "one.dcm").write_bytes(samples.encode(identified()))
    refused = copy_file.CopyTask(
        SourceFile.on_disk(tmp_path / "one.dcm"), 1, refusal="a study of two patients"
    )
    outcome = copy_file.copy_file(refused, tmp_path / "copies", CopySettings(BASIC, NAMES))
    assert (outcome.entry.reason, outcome.entry.result) == ("a study of two patients", None)
    assert not (tmp_path / "copies").exists()


def test_heads_are_read_for_what_the_whole_set_tells(tmp_path: Path) -> None:
    tasks = []
    for number, name in enumerate(("Anna", "Bertha"), start=1):
        ds = identified()
        ds.PatientName = f"{SENTINEL}^{name}"
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(samples.encode(ds))
        tasks.append(copy_file.CopyTask(SourceFile.on_disk(path), number))
    twin = pydicom.dcmread(io.BytesIO((tmp_path / "1.dcm").read_bytes()))
    twin.PatientID = "MRN0000001"
    (tmp_path / "3.dcm").write_bytes(samples.encode(twin))
    tasks.append(copy_file.CopyTask(SourceFile.on_disk(tmp_path / "3.dcm"), 3))
    ahead = ReadAhead(NAMES, BASIC)
    for task in tasks:
        ahead.read(task)
    first, second, third = ahead.tasks()
    assert {b"anna", b"bertha"} <= first.values.stored == second.values.stored
    assert b"bertha" not in third.values.stored
    assert (first.refusal, second.refusal) == ("", "")
    assert rules.SET_STUDY.says in third.refusal


def test_the_manifest_remembers_by_keyed_hashes_of_paths(tmp_path: Path) -> None:
    entry = Entry(5, 7, "aa", "bb", "x/y.dcm")
    with Manifest(tmp_path / "data", KEY) as manifest:
        assert manifest.settings_of(tmp_path) is None
        manifest.begin(tmp_path, "settings")
        manifest.note(tmp_path, SourceFile.on_disk(tmp_path / SENTINEL), entry)
        assert manifest.unfinished() == 1
        manifest.end(tmp_path)
        manifest.touch(tmp_path, SourceFile.on_disk(tmp_path / SENTINEL), 5, 8)
        manifest.note_labels(tmp_path, "cc dd")
    with Manifest(tmp_path / "data", KEY) as manifest:
        assert manifest.settings_of(tmp_path) == "settings"
        assert manifest.find(tmp_path, SourceFile.on_disk(tmp_path / SENTINEL)) == Entry(
            5, 8, "aa", "bb", "x/y.dcm"
        )
        assert manifest.find(tmp_path, SourceFile.on_disk(tmp_path / "other")) is None
        assert (manifest.unfinished(), manifest.labels_of(tmp_path)) == (0, "cc dd")
    assert SENTINEL.encode() not in (tmp_path / "data" / "deid.db").read_bytes()
