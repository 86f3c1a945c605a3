"""What one file says that helps to find it again among others, and what its copy must not say any more.

Tested in tests/unit/test_deid_comparing.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from privxray.deid import tags
from privxray.deid.dicomfile.character_sets import codec_of, decoded, plain_parts, plain_text
from privxray.deid.dicomfile.dictionary import registered
from privxray.deid.dicomfile.element import TEXT, Data, Element
from privxray.deid.dicomfile.file_reader import FileReader
from privxray.deid.dicomfile.frame_segments import fragment_places
from privxray.deid.dicomfile.no_meta import EXPLICIT_VR_BIG_ENDIAN
from privxray.deid.dicomfile.untrusted_bytes import forget
from privxray.deid.profile.annex_e import lookup
from privxray.deid.profile.class_uids import CLASS_UIDS
from privxray.deid.profile.profile import Action, Dates, Profile
from privxray.deid.values.dummies import is_dummy
from privxray.deid.values.long_words import swapped

_SIZES: Final = (tags.SOP_CLASS_UID, tags.ROWS, tags.COLUMNS, tags.NUMBER_OF_FRAMES)
_TECHNICAL: Final = (
    tags.INSTANCE_NUMBER,
    tags.KVP,
    tags.EXPOSURE_TIME,
    tags.X_RAY_TUBE_CURRENT,
    tags.PIXEL_SPACING,
    tags.IMAGER_PIXEL_SPACING,
    tags.IMAGE_POSITION_PATIENT,
    tags.SLICE_LOCATION,
    tags.ECHO_TIME,
)
_FEWEST_TECHNICAL: Final = 3
_UID_IN_TEXT: Final = re.compile(r"(?<![0-9.])[0-2](?:\.(?:0|[1-9][0-9]{0,38})){4,}(?!\.?[0-9])")
_DATE: Final = re.compile(r"[0-9]{8}")
_TEMPORAL: Final = frozenset({"DA", "DT", "TM"})
_DECLARING: Final = frozenset(
    {
        tags.PATIENT_IDENTITY_REMOVED,
        tags.DEIDENTIFICATION_METHOD,
        tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
        tags.BURNED_IN_ANNOTATION,
        tags.RECOGNIZABLE_VISUAL_FEATURES,
    }
)
_METHODS: Final = tags.label(tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE)
_TOUCHED: Final = _TEMPORAL | {"PN", "UI"}
_BLOCK: Final = 1 << 22


@dataclass(slots=True)
class FileTraits:
    """What is known of one file. Private.

    :ivar patient_id: Patient ID. :ivar study, instance: UIDs.
    :ivar uids: every UID that names something of one site, and where it is; those in texts, too.
    :ivar replaced: each value that the profile replaces or moves, and where it is.
    :ivar dates: calendar dates in attributes for dates, eight digits.
    :ivar pixels: a digest of the stored pixels; empty where there are none.
    :ivar document: a digest of an encapsulated document; empty where there is none.
    :ivar technical: a digest of size and exposure; empty where the file says too little of them.
    :ivar sop_class: its kind of object.
    :ivar remaining: digests of the attributes that no profile touches, with their values.
    :ivar documents: where encapsulated documents begin and end in ``data``, by their place.
    :ivar data: what these refer to: the file, or its unfolded data set.
    :ivar method: how the file says that it was de-identified.
    """

    data: Data
    patient_id: str = ""
    study: str = ""
    instance: str = ""
    uids: list[tuple[str, str]] = field(default_factory=list)
    replaced: list[tuple[str, bytes]] = field(default_factory=list)
    dates: set[str] = field(default_factory=set)
    pixels: bytes = b""
    document: bytes = b""
    technical: bytes = b""
    sop_class: str = ""
    remaining: set[int] = field(default_factory=set)
    documents: dict[str, tuple[int, int]] = field(default_factory=dict)
    method: str = ""

    @property
    def patient(self) -> str:
        """What stands for the patient: the Patient ID, or the study where that says nothing."""
        known = self.patient_id and not is_dummy("LO", self.patient_id.encode())
        return self.patient_id if known else f"study {self.study}"


def traits_of(data: Data, profile: Profile) -> FileTraits:
    """Read a DICOM file.

    :param profile: says which values are replaced.
    :raises DamagedError: it can't be read to its end.
    """
    reader = FileReader(data)
    work = _Reading(reader, profile)
    for element in reader.walk_meta():
        if element.tag == tags.MEDIA_STORAGE_SOP_INSTANCE_UID:
            work.take_uids(element)
    for element in reader.walk_data_set():
        work.take(element)
    return work.traits()


class _Reading:
    def __init__(self, reader: FileReader, profile: Profile) -> None:
        self._reader = reader
        self._profile = profile
        self._traits = FileTraits(reader.data)
        self._codec = "ascii"
        self._top: dict[int, bytes] = {}

    def traits(self) -> FileTraits:
        traits, top = self._traits, self._top
        traits.data = self._reader.data
        traits.patient_id = decoded(top.get(tags.PATIENT_ID, b""), self._codec)
        traits.study = plain_text(top.get(tags.STUDY_INSTANCE_UID, b""))
        traits.instance = plain_text(top.get(tags.SOP_INSTANCE_UID, b""))
        traits.sop_class = plain_text(top.get(tags.SOP_CLASS_UID, b""))
        traits.method = decoded(top.get(tags.DEIDENTIFICATION_METHOD, b""), self._codec)
        told = [top.get(tag, b"").strip(b" \0") for tag in _TECHNICAL]
        if sum(map(bool, told)) >= _FEWEST_TECHNICAL:
            sizes = [top.get(tag, b"").strip(b" \0") for tag in _SIZES]
            traits.technical = blake2b(b"\0\0".join([*sizes, *told]), digest_size=16).digest()
        return traits

    def take(self, element: Element) -> None:
        tag, vr = element.tag, element.vr
        if vr == "SQ" or not element.filled:
            return
        if not element.prefix:
            self._take_top(element)
        if tag == tags.ENCAPSULATED_DOCUMENT:
            self._traits.documents[element.where] = element.start, element.end
            document = self._reader.data[element.start : element.end].rstrip(b"\0")
            self._traits.document = blake2b(document, digest_size=16).digest()
        elif vr == "UI":
            if tag not in CLASS_UIDS and Action.K not in self._profile.actions(tag):
                self.take_uids(element)
        elif vr in TEXT and not tag & 0x10000:
            self._take_text(element)

    def _take_top(self, element: Element) -> None:
        tag, data = element.tag, self._reader.data
        if tag == tags.SPECIFIC_CHARACTER_SET:
            self._codec = codec_of(element.value)
        if tag == tags.PIXEL_DATA:
            self._traits.pixels = _digest_of_pixels(element, self._reader)
        elif element.vr in TEXT:
            self._top[tag] = element.value
        elif tag in _SIZES:
            number = data[element.start : element.end]
            big = self._reader.transfer_syntax() == EXPLICIT_VR_BIG_ENDIAN
            self._top[tag] = number[::-1] if big else number

    def take_uids(self, element: Element) -> None:
        for uid in plain_parts(element.value):
            if uid and not registered(uid):
                self._traits.uids.append((element.where, uid))

    def _take_text(self, element: Element) -> None:
        tag, vr, value = element.tag, element.vr, element.value
        declares = tag in _DECLARING or element.prefix.startswith(_METHODS)
        if vr not in _TOUCHED and lookup(tag) is None and not declares:
            self._traits.remaining.add(hash((tag, value.strip(b" \0"))))
        if value.count(b".") >= 4:
            found = _UID_IN_TEXT.findall(value.decode("latin-1"))
            self._traits.uids += ((element.where, uid) for uid in found if not registered(uid))
        if vr in ("DA", "DT"):
            self._traits.dates.update(_DATE.findall(plain_text(value)))
        if self._is_replaced(tag, vr) and not is_dummy(vr, value):
            text = decoded(value, self._codec)
            if vr in ("DA", "DT") and self._profile.dates is Dates.MODIFIED:
                text = text[:8]  # times of day stay
            key = blake2b(f"{tag:08x}{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
            self._traits.replaced.append((element.where, key))

    def _is_replaced(self, tag: int, vr: str) -> bool:
        actions = self._profile.actions(tag)
        if vr in _TEMPORAL and (not actions or self._profile.is_temporal(tag)):
            return self._profile.dates is Dates.REMOVED or (
                self._profile.dates is Dates.MODIFIED and vr != "TM"
            )
        if Action.K in actions or Action.C in actions:
            return False
        return Action.D in actions or Action.Z in actions


def _digest_of_pixels(element: Element, reader: FileReader) -> bytes:
    digest = blake2b(digest_size=16)
    for block in _stored_pixels(element, reader):
        digest.update(block)
    return digest.digest()


def _stored_pixels(element: Element, reader: FileReader) -> Iterator[bytes]:
    """The pixels as a little-endian file has them, without the offsets of compressed frames, in blocks."""
    data, start, end = reader.data, element.start, element.end
    turn = element.vr == "OW" and reader.transfer_syntax() == EXPLICIT_VR_BIG_ENDIAN
    places = fragment_places(data, start, end)[1:] or [(start, end)]
    for begin, stop in places:
        for at in range(begin, stop, _BLOCK):
            block = data[at : min(at + _BLOCK, stop)]
            yield swapped(block, 2) if turn else block
            forget(data, at, at + _BLOCK)
