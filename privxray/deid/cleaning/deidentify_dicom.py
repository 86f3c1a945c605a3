"""One DICOM file in, its de-identified copy out, in memory (PS3.15 Annex E).

The order: read; black text in the pixels, where that is wanted; apply the profile to every element; say what
was done; write; and let the check judge the copy. The check is told the values of the original and of the
other patients of the set, so no copy is written in which it would find one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from privxray.deid import tags
from privxray.deid.cleaning.black_text import black_text
from privxray.deid.cleaning.declare_method import declare_method
from privxray.deid.cleaning.elements.clean_elements import ElementCleaner
from privxray.deid.cleaning.elements.clean_values import NewIdentity
from privxray.deid.cleaning.elements.patient_values import PatientValues, instance_uids, stored_values
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.elements.value_search import ValueSearch
from privxray.deid.cleaning.verify_copy import NotCleanError, verified
from privxray.deid.dicomfile.character_sets import codec_of
from privxray.deid.dicomfile.data_set_tree import Tree
from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.dicomfile.frame_segments import non_picture_parts
from privxray.deid.dicomfile.part10 import Part10, read_part10
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.pixels.box import Box
from privxray.deid.pixels.dicom_pixels import DicomPixels
from privxray.deid.pixels.text.text_box import FindText
from privxray.deid.pixels.trouble import PixelTroubleError
from privxray.deid.profile.profile import Action, Dates, Profile, ProfileOption
from privxray.deid.profile.site_rules import Device

DIRECTORY = "it is the index of a medium (DICOMDIR), which names every patient on it"
DOCUMENT = "it holds a document (such as a PDF), which can't be cleaned"
NO_INSTANCE = "it names no SOP class or no SOP instance, so it is not a whole DICOM object"
CLAIMED = "it says that annotations are burned into its pixels, and no text was found there; look at it"
UNSEARCHED = "it says that annotations are burned into its pixels; de-identify it with --ocr"
FLOATS = "its pixels are floating-point numbers, which can't be searched for text"
NO_PIXELS = "its pixel data is stored in a way that the standard does not have"
IN_STREAM = "its compressed pixel data holds a value that identifies the patient"

_DIRECTORY = "1.2.840.10008.1.3.10"
_FLOATS = (tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA)


@dataclass(frozen=True)
class CopySettings:
    """How files are de-identified.

    :ivar find_text: looks for text in the pixels; None to leave the pixels alone.
    :ivar others: identifying values of all patients of the set, which no copy may hold; None for none.
    """

    profile: Profile
    pseudonyms: Pseudonyms
    find_text: FindText | None = None
    others: LeakSearch | None = None


@dataclass(frozen=True, slots=True)
class CleanCopy:
    """A de-identified copy.

    :ivar data: the bytes of its file.
    :ivar patient: the pseudonym. :ivar study: the study's UID in the copy. Both are empty for JPEG and PNG.
    :ivar boxes: how many boxes were blacked in each frame.
    :ivar suffix: of the file's name.
    """

    data: bytes
    patient: str
    study: str
    boxes: int
    suffix: str = ".dcm"


def deidentify_dicom(data: bytes, settings: CopySettings, others: PatientValues) -> CleanCopy:
    """De-identify the bytes of one DICOM file.

    :param others: identifying values of the patient's other files.
    :raises NotCleanError: it can't be made clean.
    """
    try:
        file = read_part10(data)
        _expect_instance(file)
        had_pixels = tags.PIXEL_DATA in file.tree.nodes
        by_rule = _regions(file.tree, settings.profile)
        boxes = _clean_pixels(file, data, settings, by_rule)
        identity = _new_identity(file, data, settings, others)
        _expect_clean_stream(file, identity.search)
        sop_class = file.tree.text(tags.SOP_CLASS_UID)
        ElementCleaner(settings.profile, settings.pseudonyms, identity, sop_class).clean(file.tree)
    except (DamagedError, PixelTroubleError) as trouble:
        raise NotCleanError(str(trouble)) from None
    searched = (settings.find_text is not None or bool(by_rule)) and had_pixels
    profile = settings.profile.with_options({ProfileOption.CLEAN_PIXEL_DATA} if searched else set())
    declare_method(file.tree, profile, searched=searched)
    copy = verified(file, profile, identity.search.wanted)
    if (tags.PIXEL_DATA in file.tree.nodes) != had_pixels:
        raise NotCleanError(NO_PIXELS)
    return CleanCopy(copy, identity.patient, file.tree.text(tags.STUDY_INSTANCE_UID), boxes)


def _expect_instance(file: Part10) -> None:
    """Refuse what is no single image or report of one patient."""
    sop_class = file.tree.text(tags.SOP_CLASS_UID)
    if sop_class == _DIRECTORY or tags.DIRECTORY_RECORD_SEQUENCE in file.tree.nodes:
        raise NotCleanError(DIRECTORY)
    if tags.ENCAPSULATED_DOCUMENT in file.tree.nodes:
        raise NotCleanError(DOCUMENT)
    if not sop_class or not file.tree.text(tags.SOP_INSTANCE_UID):
        raise NotCleanError(NO_INSTANCE)


def _regions(tree: Tree, profile: Profile) -> set[Box]:
    """What the site's rules want black in the pictures of this device."""
    if not profile.site.black:
        return set()
    device = Device(
        tree.text(tags.MANUFACTURER),
        tree.text(tags.MANUFACTURER_MODEL_NAME),
        tree.number(tags.ROWS) or 0,
        tree.number(tags.COLUMNS) or 0,
    )
    return {
        Box(left, top, left + width, top + height)
        for left, top, width, height in profile.site.regions(device)
    }


def _clean_pixels(file: Part10, data: bytes, settings: CopySettings, by_rule: set[Box]) -> int:
    """Black what the site's rules name and what the search finds; how many boxes."""
    tree, search = file.tree, settings.find_text
    claims = tree.text(tags.BURNED_IN_ANNOTATION) == "YES"
    if tags.PIXEL_DATA not in tree.nodes:
        if search is not None and any(tag in tree.nodes for tag in _FLOATS):
            raise NotCleanError(FLOATS)
        if claims:
            raise NotCleanError(UNSEARCHED)
        return 0
    if claims and search is None and not by_rule:
        raise NotCleanError(UNSEARCHED)
    try:
        pixels = DicomPixels(tree, file.syntax, data)
    except PixelTroubleError:
        if (
            search is None and not by_rule
        ):  # whoever reads odd pixels, and the check, will say what is wrong with them
            return 0
        raise
    pixels.drop_excess()
    pixels.clear_unused_bits(always=search is not None)
    if by_rule:
        pixels.black(by_rule)
    found = 0 if search is None else len(black_text(pixels, search))
    boxes = len(by_rule) + found
    if claims and not boxes:
        raise NotCleanError(CLAIMED)
    file.syntax = pixels.syntax
    return boxes


def _new_identity(file: Part10, data: bytes, settings: CopySettings, others: PatientValues) -> NewIdentity:
    """Whom the copy is about. Without a Patient ID each study is a patient of its own."""
    tree, names = file.tree, settings.pseudonyms
    original, study = tree.text(tags.PATIENT_ID), tree.text(tags.STUDY_INSTANCE_UID)
    patient = names.patient_of(original, study)
    done_before = (
        names.is_own_patient(original)
        and tree.text(tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED) == Dates.MODIFIED
    )
    keeps_uids = Action.K in settings.profile.actions(tags.SOP_INSTANCE_UID)
    uids = frozenset() if keeps_uids else instance_uids(tree)
    stored = stored_values(tree, settings.profile) | others.stored
    stored -= {patient.lower().encode()}
    stored |= {uid.encode() for uid in uids if not names.is_own_uid(uid)}
    undisguised = scan_bytes(data, settings.profile).undisguised | others.undisguised
    codec = codec_of(tree.text(tags.SPECIFIC_CHARACTER_SET).encode("latin-1"))
    return NewIdentity(
        patient,
        0 if done_before else names.shift(patient),
        ValueSearch(PatientValues(stored, frozenset(undisguised)), codec, settings.others),
        uids,
    )


def _expect_clean_stream(file: Part10, search: ValueSearch) -> None:
    """Refuse a compressed picture that carries a value of the patient's beside its pixels."""
    pixels = file.tree.nodes.get(tags.PIXEL_DATA)
    if pixels is not None and pixels.fragments:
        parts = non_picture_parts(pixels.value, 0, len(pixels.value), whole=True)
        if any(map(search.in_bytes, parts)):
            raise NotCleanError(IN_STREAM)
