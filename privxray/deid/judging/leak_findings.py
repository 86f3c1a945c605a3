"""The findings of the search for leaks: where a DICOM file repeats a value that identifies a patient.

What is searched: every attribute of every file, the printable parts of binary, unknown and private ones of
any length, and the comments in compressed pixel data (:mod:`privxray.deid.dicomfile.frame_segments`). The
pixels are searched if it is known whose they are (:mod:`privxray.deid.judging.wanted`). No finding shows a
value. Tested with whole sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from privxray.deid import tags
from privxray.deid.dicomfile.character_sets import codec_of, decoded
from privxray.deid.dicomfile.element import TEXT, DamagedError, Data, Element
from privxray.deid.dicomfile.file_reader import FileReader
from privxray.deid.dicomfile.frame_segments import non_picture_parts
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.dicom_scan import MAX_PLACES
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.wanted import Wanted
from privxray.deid.profile.identifying import IDENTIFIERS, INSTITUTIONS
from privxray.deid.tags import PIXEL_DATA, SPECIFIC_CHARACTER_SET
from privxray.deid.values.defined_terms import unlisted

_FLOATS: Final = frozenset({tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA})
_IDENTIFYING: Final = IDENTIFIERS | INSTITUTIONS | {tags.PATIENT_NAME, tags.PATIENT_BIRTH_DATE}
_LONG_TEXT: Final = 1 << 20  # bytes of a text that is searched piece by piece
_OVERLAP: Final = 1024


def leaks_in_dicom(leaks: LeakSearch, data: Data) -> Iterator[Finding]:
    """As :func:`wanted_in_dicom`, for the values of a whole set."""
    return wanted_in_dicom(Wanted(leaks, whole_set=True), data)


def wanted_in_dicom(wanted: Wanted, data: Data) -> Iterator[Finding]:
    """Findings for the places of one DICOM file; at most as many as a scan lists of one rule.

    A damaged file is searched as far as it can be read.
    """
    found = 0
    codec = "ascii"
    reader = FileReader(data)
    try:
        for element in _elements(reader):
            if element.tag == SPECIFIC_CHARACTER_SET and not element.prefix:
                codec = codec_of(element.value)
            finding = _in_element(wanted, element, reader.data, codec)
            if finding is not None:
                found += 1
                if found <= MAX_PLACES:
                    yield finding
    except DamagedError:
        pass
    if found > MAX_PLACES:
        yield rules.LEAK.more(found - MAX_PLACES)


def new_leaks(findings: Iterable[Finding], leaks: Iterable[Finding]) -> list[Finding]:
    """The leaks that say something new: those in identifying attributes only where there is no error yet.

    :param findings: what a scan found in the same file.
    """
    known = {finding.where for finding in findings if finding.severity == "error"}
    return [leak for leak in leaks if leak.rule != rules.LEAK_PSEUDONYM.id or leak.where not in known]


def _elements(reader: FileReader) -> Iterator[Element]:
    yield from reader.walk_meta()
    yield from reader.walk_data_set()


def _in_element(wanted: Wanted, element: Element, data: Data, codec: str) -> Finding | None:
    tag, vr, start, end = element.tag, element.vr, element.start, element.end
    if vr == "SQ" or not element.filled:
        return None
    if tag == PIXEL_DATA or tag in _FLOATS:
        parts = non_picture_parts(data, start, end, whole=False) if tag == PIXEL_DATA else ()
        found = any(wanted.in_binary("OB", part, 0, len(part)) for part in parts)
        return rules.LEAK_BYTES.at(element.where) if found or wanted.in_pixels(data, start, end) else None
    if vr not in TEXT:
        return rules.LEAK_BYTES.at(element.where) if wanted.in_binary(vr, data, start, end) else None
    if not _in_text(wanted, vr, element.value, codec):
        return None
    # A patient may be called Perfusion; in Image Type the word is a term all the same.
    if not wanted.in_text(vr, "\\".join(unlisted(tag, vr, decoded(element.value, codec)))):
        return None
    identifying = tag in _IDENTIFYING or vr == "PN"
    return (rules.LEAK_PSEUDONYM if identifying else rules.LEAK).at(element.where)


def _in_text(wanted: Wanted, vr: str, value: bytes, codec: str) -> bool:
    if len(value) <= _LONG_TEXT:
        return wanted.in_value(vr, value, codec)
    return any(wanted.in_value(vr, piece, codec) for piece in _pieces(value))


def _pieces(value: bytes) -> Iterator[bytes]:
    """A text, or its pieces if it is long; they overlap, so that no value is cut in two.

    Text beyond ASCII stays whole: a piece could begin in the middle of a character.
    """
    if len(value) <= _LONG_TEXT or not value.isascii() or b"\x1b" in value:
        yield value
        return
    for start in range(0, len(value), _LONG_TEXT):
        yield value[start : start + _LONG_TEXT + _OVERLAP]
