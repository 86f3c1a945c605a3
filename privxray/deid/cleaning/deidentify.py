"""One DICOM file in, its de-identified copy out, in memory (PS3.15 Annex E).

The order: read; look for text in the pixels and black it, where that is wanted; apply the profile to every
element; say what was done; write; and run the same check on the result as ``privxray check`` does. A result
that the check finds an error in is not handed out. Equal bytes, key, profile and option give equal results,
which is how an interrupted run knows its own.

A reason is one of this package's fixed texts, at most with an attribute's name from the standard's table.
"""

from __future__ import annotations

from dataclasses import dataclass

from privxray.deid import tags
from privxray.deid.cleaning.black_text import Finder, black_text
from privxray.deid.cleaning.clean_elements import Cleaner, Subject
from privxray.deid.cleaning.finish_copy import (
    NotCleanError,
    checked,
    declare,
    errors_in,
    expect_none,
)
from privxray.deid.cleaning.own_values import OwnValues, own_uids, own_values
from privxray.deid.cleaning.pseudonymise import Pseudonyms
from privxray.deid.cleaning.strip_pictures import Picture, strip_jpeg, strip_png
from privxray.deid.dicomfile.character_sets import codec_of
from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.frame_segments import non_picture_parts
from privxray.deid.dicomfile.part10 import Part10, read_part10
from privxray.deid.judging.file_scan import NO_IMAGE, scan_bytes
from privxray.deid.judging.picture_scan import is_jpeg, is_png
from privxray.deid.judging.scan import IdentifyingValue
from privxray.deid.pixels.shades import PixelTroubleError
from privxray.deid.pixels.stored_pixels import Pixels
from privxray.deid.profile.profile import Action, Dates, Profile, ProfileOption

DIRECTORY = "an index of a medium (DICOMDIR), which names every patient on it; it is not copied"
DOCUMENT = "it holds a document (such as a PDF), which can't be cleaned"
NO_INSTANCE = "it names no SOP class or no instance, so it is no whole object"
CLAIMED = "it says that annotations are burned into its pixels, and no text was found there; look at it"
UNSEARCHED = "it says that annotations are burned into its pixels; de-identify it with --ocr"
FLOATS = "its pixels are fractions, in which no text can be looked for"
NO_PIXELS = "its pixel data is stored in a way that the standard does not have"
IN_STREAM = "a value of the patient is inside its compressed pixel data"

_DIRECTORY = "1.2.840.10008.1.3.10"
_FLOATS = (tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA)


@dataclass(frozen=True)
class Settings:
    """How files are de-identified.

    :ivar finder: looks for text in the pixels; None to leave the pixels alone.
    :ivar own: identifying values of the patient's other files, as bytes; ``terms`` those that the check looks
    for.
    """

    profile: Profile
    pseudonyms: Pseudonyms
    finder: Finder | None = None
    own: frozenset[bytes] = frozenset()
    terms: frozenset[IdentifyingValue] = frozenset()


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A result.

    :ivar patient: pseudonym. :ivar study: the study's UID in the result. Both are empty for a JPEG or PNG.
    :ivar boxes: how many boxes were blacked in each frame. :ivar suffix: of the file's name.
    """

    data: bytes
    patient: str
    study: str
    boxes: int
    suffix: str = ".dcm"


def deidentify(data: bytes, settings: Settings) -> Deidentified:
    """De-identify the bytes of one DICOM, JPEG or PNG file.

    :raises NotCleanError: it can't be made clean.
    """
    if is_dicom(data):
        return _deidentify_dicom(data, settings)
    if is_jpeg(data) or is_png(data):
        return _deidentify_picture(data, settings)
    raise NotCleanError(NO_IMAGE)


def _deidentify_picture(data: bytes, settings: Settings) -> Deidentified:
    """A picture without what is written around it; its pixels change only where there is text in them."""
    jpeg, boxes = is_jpeg(data), 0
    try:
        result = strip_jpeg(data) if jpeg else strip_png(data)
        if settings.finder is not None:
            picture = Picture(result)
            boxes = len(black_text(picture, settings.finder))
            result, jpeg = (picture.as_png(), False) if boxes else (result, jpeg)
    except PixelTroubleError as trouble:
        raise NotCleanError(str(trouble)) from None
    expect_none(errors_in(result, settings.profile))
    return Deidentified(result, "", "", boxes, ".jpg" if jpeg else ".png")


def _deidentify_dicom(data: bytes, settings: Settings) -> Deidentified:
    try:
        file = read_part10(data)
        _expect_object(file)
        had_pixels = tags.PIXEL_DATA in file.tree.nodes
        boxes, searched = _clean_pixels(file, data, settings)
        subject = _subject(file, data, settings)
        _clean_elements(file, subject, settings)
    except (DamagedError, PixelTroubleError) as trouble:
        raise NotCleanError(str(trouble)) from None
    profile = settings.profile
    if searched:
        profile = profile.with_options({ProfileOption.CLEAN_PIXEL_DATA})
    declare(file.tree, profile, searched=searched)
    result = checked(file, profile)
    if (tags.PIXEL_DATA in file.tree.nodes) != had_pixels:
        raise NotCleanError(NO_PIXELS)
    return Deidentified(result, subject.patient, file.tree.text(tags.STUDY_INSTANCE_UID), boxes)


def _expect_object(file: Part10) -> None:
    sop_class = file.tree.text(tags.SOP_CLASS_UID)
    if sop_class == _DIRECTORY or tags.DIRECTORY_RECORD_SEQUENCE in file.tree.nodes:
        raise NotCleanError(DIRECTORY)
    if tags.ENCAPSULATED_DOCUMENT in file.tree.nodes:
        raise NotCleanError(DOCUMENT)
    if not sop_class or not file.tree.text(tags.SOP_INSTANCE_UID):
        raise NotCleanError(NO_INSTANCE)


def _subject(file: Part10, data: bytes, settings: Settings) -> Subject:
    """Whose file it is. Without a Patient ID each study is a patient of its own."""
    tree, names = file.tree, settings.pseudonyms
    original, study = tree.text(tags.PATIENT_ID), tree.text(tags.STUDY_INSTANCE_UID)
    patient = names.patient(original or f"study {names.uid(study)}")
    done_before = (
        names.is_own_patient(original)
        and tree.text(tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED) == Dates.MODIFIED
    )
    uids = frozenset() if Action.K in settings.profile.actions(tags.SOP_INSTANCE_UID) else own_uids(tree)
    values = own_values(tree, settings.profile) | settings.own
    values -= {patient.lower().encode()}
    return Subject(
        patient,
        0 if done_before else names.shift(patient),
        OwnValues(
            values | {uid.encode() for uid in uids if not names.is_own_uid(uid)},
            scan_bytes(data, settings.profile).undisguised | settings.terms,
            codec_of(tree.text(tags.SPECIFIC_CHARACTER_SET).encode("latin-1")),
        ),
        uids,
    )


def _clean_pixels(file: Part10, data: bytes, settings: Settings) -> tuple[int, bool]:
    """Black what the finder finds; how many boxes, and whether the pixels were searched."""
    tree = file.tree
    claims = tree.text(tags.BURNED_IN_ANNOTATION) == "YES"
    if tags.PIXEL_DATA not in tree.nodes:
        if settings.finder is not None and any(tag in tree.nodes for tag in _FLOATS):
            raise NotCleanError(FLOATS)
        if claims:
            raise NotCleanError(UNSEARCHED)
        return 0, False
    if claims and settings.finder is None:
        raise NotCleanError(UNSEARCHED)
    try:
        pixels = Pixels(tree, file.syntax, data)
    except PixelTroubleError:
        if settings.finder is None:  # odd pixels are their reader's trouble, and the check's
            return 0, False
        raise
    pixels.cut()
    pixels.clear_unused_bits(always=settings.finder is not None)
    boxes: set[tuple[int, int, int, int]] = set()
    if settings.finder is not None:
        boxes = black_text(pixels, settings.finder)
        if claims and not boxes:
            raise NotCleanError(CLAIMED)
    file.syntax = pixels.syntax
    return len(boxes), settings.finder is not None


def _clean_elements(file: Part10, subject: Subject, settings: Settings) -> None:
    pixels = file.tree.nodes.get(tags.PIXEL_DATA)
    if pixels is not None and pixels.fragments:
        parts = non_picture_parts(pixels.value, 0, len(pixels.value), whole=True)
        if any(map(subject.own.are_in_bytes, parts)):
            raise NotCleanError(IN_STREAM)
    cleaner = Cleaner(settings.profile, settings.pseudonyms, subject, file.tree.text(tags.SOP_CLASS_UID))
    cleaner.clean(file.tree)
