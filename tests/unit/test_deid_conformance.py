"""What a copy must keep to remain a valid object of its class (PS3.3), and references that still resolve."""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
import pytest
from deid_samples import encode
from pydicom.dataset import Dataset
from test_deid_deidentify import BASIC, done, identified, read, settings_of

from privxray.deid import tags
from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.dicomfile.dictionary import standard_vr
from privxray.deid.judging.check import check_bytes
from privxray.deid.profile.class_uids import CLASS_UIDS
from privxray.deid.profile.profile import ProfileOption

ORIGINAL = "1.2.276.0.7230010.3.1.4.811.7"
FIDUCIAL = "1.2.276.0.7230010.3.1.4.811.8"


def item(**values: object) -> Dataset:
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def test_a_referenced_study_sequence_is_removed_except_in_the_request_of_a_report() -> None:
    ds = identified()
    study = item(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID=ORIGINAL)
    ds.ReferencedStudySequence = [study]
    request = item(StudyInstanceUID=ORIGINAL, AccessionNumber="ACC9988776", RequestedProcedureID="RP5512345")
    request.ReferencedStudySequence = [study]
    ds.ReferencedRequestSequence = [request]
    copy = read(done(ds))
    assert "ReferencedStudySequence" not in copy
    (kept,) = copy.ReferencedRequestSequence
    assert (len(kept.ReferencedStudySequence), kept.AccessionNumber, kept.RequestedProcedureID) == (0, "", "")
    assert ORIGINAL not in str(copy)


def test_items_that_were_empty_and_those_of_functional_groups_stay() -> None:
    ds = identified()
    ds.SharedFunctionalGroupsSequence = [Dataset()]
    named = item(FrameContentSequence=[item(FrameComments="for Zyxwvutsen")])
    ds.PerFrameFunctionalGroupsSequence = [named, item(), item(OperatorsName="House^Gregory")]
    ds.PerformedProcedureCodeSequence = []
    result = done(ds)
    copy = read(result)
    assert [len(one) for one in copy.SharedFunctionalGroupsSequence] == [0]
    assert len(copy.PerFrameFunctionalGroupsSequence) == 3
    assert b"zyxwvutsen" not in result.data.lower()
    assert deidentify(result.data, settings_of()).data == result.data


def test_a_content_sequence_of_which_nothing_is_left_goes() -> None:
    ds = identified()
    name = item(CodeValue="121106", CodingSchemeDesignator="DCM", CodeMeaning="Comment")
    ds.ContentSequence = [item(ValueType="TEXT", ConceptNameCodeSequence=[name], TextValue="for Zyxwvutsen")]
    assert "ContentSequence" not in read(done(ds))


@pytest.mark.parametrize("species", [True, False])
def test_whoever_is_responsible_for_an_animal_stays_as_an_empty_value(species: bool) -> None:
    ds = identified()
    ds.ResponsiblePerson = "Wetzel^James"
    if species:
        ds.PatientSpeciesDescription = "Feline"
    copy = read(done(ds))
    assert ("ResponsiblePerson" in copy) == species
    assert not species or copy.ResponsiblePerson == ""


def test_uids_outside_the_table_are_new_and_references_still_resolve() -> None:
    ds = identified()
    ds.CreatorVersionUID = ds.RepositoryUniqueID = ORIGINAL
    ds.FiducialUID = ds.ReferencedFiducialUID = FIDUCIAL
    ds.add_new(0x300A0675, "UI", [ORIGINAL, ds.SOPInstanceUID])
    ds.add_new(0x00440108, "UI", ORIGINAL)
    ds.FrameOfReferenceUID = ds.VolumeFrameOfReferenceUID = "1.2.840.10008.1.4.1.1"  # of the standard
    ds.TableFrameOfReferenceUID = ORIGINAL
    result = done(ds)
    copy = read(result)
    assert ORIGINAL.encode() not in result.data
    assert FIDUCIAL.encode() not in result.data
    assert copy.ReferencedFiducialUID == copy.FiducialUID
    new = copy.CreatorVersionUID
    assert new == copy.RepositoryUniqueID == copy[0x00440108].value == copy.TableFrameOfReferenceUID
    assert list(copy[0x300A0675].value) == [new, copy.SOPInstanceUID]
    assert copy.FrameOfReferenceUID == copy.VolumeFrameOfReferenceUID == "1.2.840.10008.1.4.1.1"


def test_uids_of_classes_syntaxes_and_schemes_stay_a_makers_own_too() -> None:
    ds = identified()
    ds.OriginalSpecializedSOPClassUID = ds.CodingSchemeUID = ORIGINAL
    ds.AvailableTransferSyntaxUID = "1.2.840.10008.1.2.4.90"
    copy = read(done(ds))
    assert copy.OriginalSpecializedSOPClassUID == copy.CodingSchemeUID == ORIGINAL
    assert copy.AvailableTransferSyntaxUID == "1.2.840.10008.1.2.4.90"
    assert {standard_vr(tag) for tag in CLASS_UIDS} == {"UI"}


def test_uids_stay_with_the_option_that_retains_them() -> None:
    ds = identified()
    ds.CreatorVersionUID = ORIGINAL
    assert read(done(ds, ProfileOption.RETAIN_UIDS)).CreatorVersionUID == ORIGINAL


def test_the_check_says_of_an_unlisted_uid_that_only_the_original_can_tell() -> None:
    result = done(identified())
    ds = pydicom.dcmread(io.BytesIO(result.data))
    ds.RepositoryUniqueID, ds.CodingSchemeUID = ORIGINAL, ORIGINAL
    found = check_bytes(encode(ds), name="x", path=Path("x")).findings
    assert [(one.rule, one.where) for one in found] == [("E.1-1/U", tags.label(0x0040E030))]
    kept = BASIC.with_options({ProfileOption.RETAIN_UIDS})
    again = check_bytes(encode(ds), name="x", path=Path("x"), profile=kept).findings
    assert {one.where for one in again} == {tags.label(tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE)}
