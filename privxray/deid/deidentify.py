"""One DICOM file in, its de-identified copy out, in memory (PS3.15 Annex E).

The order: read; look for text in the pixels and black it, where that is wanted; apply the profile to every
element; say what was done; write; and run the same check on the result as ``privxray check`` does. A result
that the check finds an error in is not handed out. Equal bytes, key, profile and option give equal results,
which is how an interrupted run knows its own.

A reason is one of this package's fixed texts, at most with an attribute's name from the standard's table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import privxray
from privxray.deid import rules
from privxray.deid.clean import Cleaner, Subject
from privxray.deid.dummy_values import dummy
from privxray.deid.elements import TEXT, DamagedError
from privxray.deid.identifying import ID
from privxray.deid.own_values import OwnValues, own_uids, own_values
from privxray.deid.part10 import SOP_CLASS, SOP_INSTANCE, Part10, read_file, write_file
from privxray.deid.pictures import is_jpeg, is_png
from privxray.deid.pixels import Box, Pixels, PixelTroubleError, Samples
from privxray.deid.profile import Code, Dates, Option, Profile
from privxray.deid.pseudonyms import Pseudonyms
from privxray.deid.reading import is_dicom
from privxray.deid.report import Finding
from privxray.deid.scan import Term
from privxray.deid.segments import asides
from privxray.deid.strip import Picture, strip_jpeg, strip_png
from privxray.deid.table import EDITION
from privxray.deid.text import codec_of
from privxray.deid.tree import PIXEL_DATA, Node, Tree
from privxray.deid.worker import NO_IMAGE, examine

STUDY = 0x0020000D

DIRECTORY = "an index of a medium (DICOMDIR), which names every patient on it; it is not copied"
DOCUMENT = "it holds a document (such as a PDF), which can't be cleaned"
NO_INSTANCE = "it names no SOP class or no instance, so it is no whole object"
CLAIMED = "it says that annotations are burned into its pixels, and no text was found there; look at it"
UNSEARCHED = "it says that annotations are burned into its pixels; de-identify it with --ocr"
FLOATS = "its pixels are fractions, in which no text can be looked for"
STUBBORN = "text is still found in its pixels after they were blacked"
NO_PIXELS = "its pixel data is stored in a way that the standard does not have"
IN_STREAM = "a value of the patient is inside its compressed pixel data"

MARGIN = 2
"""Pixels that a box grows by on each side, for the soft edges of letters."""

_ROUNDS = 3
_DIRECTORY = "1.2.840.10008.1.3.10"
_DOCUMENT = 0x00420011
_REMOVED, _METHOD, _CODES = 0x00120062, 0x00120063, 0x00120064
_CHARACTER_SET = 0x00080005
_BURNED_IN, _TEMPORAL = 0x00280301, 0x00280303
_NEEDED = frozenset({SOP_CLASS, SOP_INSTANCE, STUDY, 0x0020000E, ID, _REMOVED, _METHOD, _CODES, _TEMPORAL})
_FLOATS = (0x7FE00008, 0x7FE00009)


class FoundText(Protocol):
    """A place with text in a frame, as :class:`privxray.deid.pixeltext.boxes.TextBox` has it."""

    @property
    def x(self) -> int: ...
    @property
    def y(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def severity(self) -> str: ...


Finder = Callable[[Samples, int], Sequence[FoundText]]
"""Takes a frame ``[rows, columns]`` or ``[rows, columns, 3]`` and its number, gives the text in it."""


class NotCleanError(Exception):
    """A file can't be made clean. The text says why, in words that may be printed."""


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
    terms: frozenset[Term] = frozenset()


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
            boxes = len(_black_text(picture, settings.finder))
            result, jpeg = (picture.as_png(), False) if boxes else (result, jpeg)
    except PixelTroubleError as trouble:
        raise NotCleanError(str(trouble)) from None
    _expect_none(_errors(result, settings.profile))
    return Deidentified(result, "", "", boxes, ".jpg" if jpeg else ".png")


def _deidentify_dicom(data: bytes, settings: Settings) -> Deidentified:
    try:
        file = read_file(data)
        _expect_object(file)
        had_pixels = PIXEL_DATA in file.tree.nodes
        boxes, searched = _clean_pixels(file, data, settings)
        subject = _subject(file, data, settings)
        _clean_elements(file, subject, settings)
    except (DamagedError, PixelTroubleError) as trouble:
        raise NotCleanError(str(trouble)) from None
    profile = settings.profile
    if searched:
        profile = profile.with_options({Option.CLEAN_PIXEL_DATA})
    _declare(file.tree, profile, searched=searched)
    result = _checked(file, profile)
    if (PIXEL_DATA in file.tree.nodes) != had_pixels:
        raise NotCleanError(NO_PIXELS)
    return Deidentified(result, subject.patient, file.tree.text(STUDY), boxes)


def _expect_object(file: Part10) -> None:
    sop_class = file.tree.text(SOP_CLASS)
    if sop_class == _DIRECTORY or 0x00041220 in file.tree.nodes:
        raise NotCleanError(DIRECTORY)
    if _DOCUMENT in file.tree.nodes:
        raise NotCleanError(DOCUMENT)
    if not sop_class or not file.tree.text(SOP_INSTANCE):
        raise NotCleanError(NO_INSTANCE)


def _subject(file: Part10, data: bytes, settings: Settings) -> Subject:
    """Whose file it is. Without a Patient ID each study is a patient of its own."""
    tree, names = file.tree, settings.pseudonyms
    original = tree.text(ID)
    patient = names.patient(original) if original else names.patient(f"study {names.uid(tree.text(STUDY))}")
    done_before = names.is_own_patient(original) and tree.text(_TEMPORAL) == Dates.MODIFIED
    uids = frozenset() if Code.K in settings.profile.codes(SOP_INSTANCE) else own_uids(tree)
    values = own_values(tree, settings.profile) | settings.own
    values -= {patient.lower().encode()}
    return Subject(
        patient,
        0 if done_before else names.shift(patient),
        OwnValues(
            values | {uid.encode() for uid in uids if not names.is_own_uid(uid)},
            examine(data, settings.profile).terms | settings.terms,
            codec_of(tree.text(_CHARACTER_SET).encode("latin-1")),
        ),
        uids,
    )


def _clean_pixels(file: Part10, data: bytes, settings: Settings) -> tuple[int, bool]:
    """Black what the finder finds; how many boxes, and whether the pixels were searched."""
    tree = file.tree
    claims = tree.text(_BURNED_IN) == "YES"
    if PIXEL_DATA not in tree.nodes:
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
        boxes = _black_text(pixels, settings.finder)
        if claims and not boxes:
            raise NotCleanError(CLAIMED)
    file.syntax = pixels.syntax
    return len(boxes), settings.finder is not None


def _black_text(pixels: Pixels | Picture, finder: Finder) -> set[tuple[int, int, int, int]]:
    """Black what is found until nothing is. A box is blacked in every frame: a cine's captions stand still,
    and one that a frame's background hides from the finder is legible all the same."""
    blacked: set[tuple[int, int, int, int]] = set()
    looked_at = set(range(pixels.frames))
    for _ in range(_ROUNDS + 1):
        found: dict[int, set[tuple[int, int, int, int]]] = {}
        for number, frame in enumerate(pixels.for_reading()):
            if number in looked_at and (boxes := _boxes(finder(frame, number))):
                found[number] = boxes
        if not found:
            return blacked
        boxes = set().union(*found.values())
        blacked |= boxes
        pixels.black([Box(number, *box) for number in range(pixels.frames) for box in sorted(boxes)])
        looked_at = set(found)  # the others had no text before, and have only black more
    raise NotCleanError(STUBBORN)


def _boxes(texts: Sequence[FoundText]) -> set[tuple[int, int, int, int]]:
    """Left, top, right, bottom of what must go, grown by the margin."""
    return {
        (text.x - MARGIN, text.y - MARGIN, text.x + text.width + MARGIN, text.y + text.height + MARGIN)
        for text in texts
        if text.severity == "error"
    }


def _clean_elements(file: Part10, subject: Subject, settings: Settings) -> None:
    pixels = file.tree.nodes.get(PIXEL_DATA)
    if pixels is not None and pixels.fragments:
        parts = asides(pixels.value, 0, len(pixels.value), whole=True)
        if any(map(subject.own.are_in_bytes, parts)):
            raise NotCleanError(IN_STREAM)
    cleaner = Cleaner(settings.profile, settings.pseudonyms, subject, file.tree.text(SOP_CLASS))
    cleaner.clean(file.tree)


def _declare(tree: Tree, profile: Profile, *, searched: bool) -> None:
    """Say what was done (PS3.15 E.1.1 step 6, E.3.1, E.3.6; PS3.3 C.7.1.1, C.7.6.1 and C.12.1)."""
    tree.put(_REMOVED, "CS", "YES")
    tree.put(_METHOD, "LO", f"privxray {privxray.__version__}, DICOM PS3.15 {EDITION} Annex E"[:64])
    codes = []
    for value, meaning in profile.methods:
        code = Tree()
        code.put(0x00080100, "SH", value)
        code.put(0x00080102, "SH", "DCM")
        code.put(0x00080104, "LO", meaning)
        codes.append(code)
    tree.nodes[_CODES] = Node(_CODES, "SQ", items=codes)
    tree.put(_TEMPORAL, "CS", str(profile.dates.value))
    if searched:
        tree.put(_BURNED_IN, "CS", "NO")


def _checked(file: Part10, profile: Profile) -> bytes:
    """The written file, once the check finds no error in it.

    What it finds in an element that a radiograph can do without is mended: a text gives way to a dummy, and
    if that does not do, the element goes. So the copy keeps to every rule of the check, also to those that
    know more than the profile: the shape of a name, characters that don't belong.
    """
    for _ in range(_ROUNDS):
        result = write_file(file.tree, file.syntax)
        errors = _errors(result, profile)
        if not errors:
            return result
        mended = [_mend(file.tree, error.where) for error in errors]
        if not all(mended):
            break
    _expect_none(errors)
    raise AssertionError("an error that is none")


def _mend(tree: Tree, where: str) -> bool:
    """Make up or remove the element at a place; False where there is none that may be touched."""
    *path, last = where.split("/")
    try:
        for step in path:
            tree = (tree.nodes[_tag(step[:11])].items or [])[int(step[12:-1])]
        node = tree.nodes[_tag(last)]
    except (KeyError, IndexError, ValueError):
        return False
    if not path and (node.tag in _NEEDED or node.tag >> 16 in (0x0028, 0x7FE0)):
        return False
    made_up = dummy(node.vr, 0)
    if node.vr in TEXT - {"UI"} and node.value != made_up:
        node.value = made_up
    else:
        del tree.nodes[node.tag]
    return True


def _tag(text: str) -> int:
    """From ``(gggg,eeee)``."""
    return int(text[1:5] + text[6:10], 16)


def _errors(result: bytes, profile: Profile) -> list[Finding]:
    scan = examine(result, profile)
    errors = [finding for finding in scan.findings if finding.severity == "error"]
    return [*errors, *([rules.UNREADABLE.because(scan.damage)] if scan.damage else [])]


def _expect_none(errors: Sequence[Finding]) -> None:
    for error in errors:
        raise NotCleanError(f"{error.where}: {error.reason}")
