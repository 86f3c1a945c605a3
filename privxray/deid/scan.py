"""One DICOM file against the rules, at every nesting depth (PS3.15 E.1.1 and Table E.1-1; PS3.10 section 7).

The order of work: preamble, file meta, data set (inflated first where the transfer syntax says so), then what
only the whole file can tell: the declaration (0012,0062), the method (0012,0064), burned-in text (0028,0301),
and whether file meta and data set name the same instance. Pixel data is stepped over, what follows it is not.
An attribute inside one that must be removed is reported as well, so that nothing has to be guessed.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydicom._uid_dict import UID_dictionary  # pydicom.uid.UID would warn, with the value, about bad ones

from privxray.deid import rules
from privxray.deid.dummies import is_dummy, is_pseudonym
from privxray.deid.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    TEXT,
    DamagedError,
    Element,
    Encoding,
    Walker,
    standard_vr,
)
from privxray.deid.report import Finding
from privxray.deid.table import Row, lookup

MAX_INFLATED = 1 << 30
"""Most bytes that a deflated data set may unfold to."""

PREAMBLE_LENGTH = 128
MAGIC = b"DICM"

NO_SYNTAX = "the file meta names no transfer syntax that the standard knows"
NOT_INFLATED = "the deflated data set can't be unfolded, or is too large"
_PROBLEM_OF_META = "the file meta can't be read"

_IMPLICIT = "1.2.840.10008.1.2"
_BIG = "1.2.840.10008.1.2.2"
_DEFLATED = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})
_DIRECTORY = "1.2.840.10008.1.3.10"
_UIDS = re.compile(rb"[0-9.\\]*")

_NETWORK = frozenset({0x00020016, 0x00020017, 0x00020018, 0x00020026, 0x00020027, 0x00020028})
_PRIVATE_META = frozenset({0x00020100, 0x00020102})
_NAME, _ID = 0x00100010, 0x00100020
_REMOVED, _METHOD_TEXT, _METHOD_CODES, _BURNED_IN = 0x00120062, 0x00120063, 0x00120064, 0x00280301
_META_CLASS, _META_INSTANCE, _SYNTAX, _INSTANCE = 0x00020002, 0x00020003, 0x00020010, 0x00080018
_CODE, _SCHEME = 0x00080100, 0x00080102
_IDENTIFIERS = frozenset(
    {
        _ID,
        0x00100030,
        0x00101000,
        0x00080050,
        0x00200010,
        0x00380010,
        0x00102160,
        0x00401001,
        0x00402016,
        0x00402017,
    }
)
_METHOD_ITEM = re.compile(r"\(0012,0064\)\[[0-9]+\]/")
_COMPONENT = re.compile(r"[\\^=, \0]+")


@dataclass(slots=True)
class Scan:
    """What was found in one file.

    :ivar findings: in the order of the file, then what the whole file tells.
    :ivar damage: a fixed text where the file could not be read to its end, else empty.
    :ivar hidden: identifying values of the file, for :func:`privxray.deid.naming.public_name` only.
    """

    findings: list[Finding] = field(default_factory=list)
    damage: str = ""
    hidden: set[str] = field(default_factory=set)


def is_dicom(data: bytes) -> bool:
    """Does it start like a DICOM file, with 128 bytes and the four letters after them?"""
    return data.startswith(MAGIC, PREAMBLE_LENGTH)


def scan_dicom(data: bytes) -> Scan:
    """Check one DICOM file in memory. Raises nothing, whatever the bytes are."""
    return _Scanner(data).run()


class _Scanner:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._scan = Scan()
        self._meta: dict[int, bytes] = {}
        self._top: dict[int, bytes] = {}
        self._patients: list[tuple[int, Element]] = []  # with the index of the finding
        self._codes: dict[str, dict[int, str]] = {}

    def run(self) -> Scan:
        findings = self._scan.findings
        if self._data.count(0, 0, PREAMBLE_LENGTH) != PREAMBLE_LENGTH:
            findings.append(rules.PREAMBLE.at("preamble"))
        try:
            start = self._read_meta()
            self._read_data_set(*self._data_set(start))
        except DamagedError as damage:
            self._scan.damage = str(damage)
        self._judge_patients()
        if not self._scan.damage:
            findings.extend(self._judge_whole())
        return self._scan

    def _read_meta(self) -> int:
        walker = Walker(self._data, PREAMBLE_LENGTH + len(MAGIC), EXPLICIT_LITTLE, only_group=2)
        for element in walker.walk():
            self._scan.findings.extend(self._judge(element))
            if not element.prefix:
                self._meta[element.tag] = element.value
                if element.filled and element.tag in _NETWORK:
                    self._add(rules.META_NETWORK.at(element.where))
                elif element.filled and element.tag in _PRIVATE_META:
                    self._add(rules.META_PRIVATE.at(element.where))
        if not self._meta:
            raise DamagedError(_PROBLEM_OF_META)
        return walker.position

    def _data_set(self, start: int) -> tuple[bytes, int, Encoding]:
        """Where the data set is and how it is written; unnamed kinds are explicit little (PS3.5 Annex A)."""
        syntax = _text(self._meta.get(_SYNTAX, b""))
        if syntax not in UID_dictionary or UID_dictionary[syntax][1] != "Transfer Syntax":
            raise DamagedError(NO_SYNTAX)
        if syntax in _DEFLATED:
            return self._inflate(start), 0, EXPLICIT_LITTLE
        if syntax == _BIG:
            return self._data, start, EXPLICIT_BIG
        return self._data, start, IMPLICIT_LITTLE if syntax == _IMPLICIT else EXPLICIT_LITTLE

    def _inflate(self, start: int) -> bytes:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            data = inflater.decompress(self._data[start:], MAX_INFLATED)
        except zlib.error:
            raise DamagedError(NOT_INFLATED) from None
        rest = inflater.unused_data
        # Some writers add the trailer of a gzip file, whose eight bytes follow from the data.
        trailer = struct.pack("<LL", zlib.crc32(data), len(data))
        if not inflater.eof or rest.removeprefix(trailer).strip(b"\0"):
            raise DamagedError(NOT_INFLATED)
        return data

    def _read_data_set(self, data: bytes, start: int, encoding: Encoding) -> None:
        walker = Walker(data, start, encoding)
        findings = self._scan.findings
        for element in walker.walk():
            if element.filled and element.tag in (_NAME, _ID):
                self._patients.append((len(findings), element))
            findings.extend(self._judge(element))
            self._remember(element)
            if element.tag >> 16 in (0x0000, 0x0002):
                self._add(rules.META_PLACE.at(element.where))
        if walker.zeros and walker.position < len(data):
            self._add(rules.TRAILING.at("file"))

    def _remember(self, element: Element) -> None:
        tag = element.tag
        if not element.prefix:
            self._top[tag] = element.value if element.vr in TEXT else (b"1" if element.filled else b"")
        elif tag in (_CODE, _SCHEME) and _METHOD_ITEM.fullmatch(element.prefix):
            self._codes.setdefault(element.prefix, {})[tag] = _text(element.value)
        if element.vr == "PN" or tag in _IDENTIFIERS:
            self._hide(element.value)

    def _hide(self, value: bytes) -> None:
        # Only ASCII can occur in a path that is printed at all, so the character set does not matter.
        text = value.decode("latin-1").strip(" \0")
        self._scan.hidden.update(part for part in (text, *_COMPONENT.split(text)) if len(part) >= 3)

    def _judge(self, element: Element) -> Iterator[Finding]:
        tag, stored = element.tag, element.stored
        row = lookup(tag)
        if row is not None:
            yield from self._judge_row(element, row)
        elif standard_vr(tag) is None:
            yield rules.UNKNOWN.at(element.where)
        if element.again:
            yield rules.DUPLICATE.at(element.where)
        if stored is not None and not tag & 0x10000 and _misplaced(stored, standard_vr(tag)):
            yield rules.VR.at(element.where)
        if element.vr == "UI" and not _UIDS.fullmatch(element.value.strip(b" \0")):
            yield rules.NOT_A_UID.at(element.where)

    def _judge_row(self, element: Element, row: Row) -> Iterator[Finding]:
        if element.tag & 0x10000:
            yield rules.PRIVATE.at(element.where)
        elif not element.filled:
            if row.allowed == {"X"}:
                yield rules.REMOVE_EMPTY.at(element.where, row.name)
        elif element.tag in (_NAME, _ID):
            yield rules.EMPTY.at(element.where, row.name)  # settled by _judge_patients
        elif "U" in row.allowed:
            if not _registered(element):
                yield rules.NEW_UID.at(element.where, row.name)
        elif "D" in row.allowed:
            yield rules.REPLACE.at(element.where, row.name)
        elif "Z" not in row.allowed:
            yield rules.REMOVE.at(element.where, row.name)
        elif element.vr in TEXT and is_dummy(element.vr, element.value):
            yield rules.DUMMY.at(element.where, row.name)
        else:
            yield rules.EMPTY.at(element.where, row.name)

    def _judge_patients(self) -> None:
        """Settle Patient's Name and Patient ID; :mod:`privxray.deid.dummies` argues why and how."""
        top = self._top
        method = top.get(_METHOD_TEXT, b"").strip(b" \0") or top.get(_METHOD_CODES)
        declared = _text(top.get(_REMOVED, b"")) == "YES" and bool(method)
        for index, element in self._patients:
            row = lookup(element.tag)
            if row is None or element.vr not in TEXT:
                continue
            if is_dummy(element.vr, element.value):
                rule = rules.DUMMY
            elif declared and is_pseudonym(element.value, as_name=element.tag == _NAME):
                rule = rules.PSEUDONYM
            else:
                continue
            self._scan.findings[index] = rule.at(element.where, row.name)
            self._scan.hidden.discard(_text(element.value))

    def _judge_whole(self) -> Iterator[Finding]:
        if _text(self._meta.get(_META_CLASS, b"")) == _DIRECTORY:
            yield rules.DIRECTORY.at("file")
        elif _text(self._meta.get(_META_INSTANCE, b"")) != _text(self._top.get(_INSTANCE, b"")):
            yield rules.META_UID.at("(0002,0003)")
        if _text(self._top.get(_REMOVED, b"")) != "YES":
            yield rules.DECLARED.at("(0012,0062)")
        words = bool(self._top.get(_METHOD_TEXT, b"").strip(b" \0"))
        basic = {_CODE: "113100", _SCHEME: "DCM"} in self._codes.values()
        if not basic:
            yield (rules.METHOD_TEXT if words else rules.METHOD).at("(0012,0064)")
        burned_in = _text(self._top.get(_BURNED_IN, b""))
        if burned_in == "YES":
            yield rules.BURNED_IN.at("(0028,0301)")
        elif burned_in != "NO":
            yield rules.BURNED_IN_UNKNOWN.at("(0028,0301)")

    def _add(self, finding: Finding) -> None:
        self._scan.findings.append(finding)


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip(" \0")


def _registered(element: Element) -> bool:
    """True for values that are all UIDs of the standard itself, such as a SOP class: no instance's."""
    if element.vr != "UI":
        return False
    return all(_text(uid) in UID_dictionary for uid in element.value.split(b"\\"))


def _misplaced(stored: str, known: str | None) -> bool:
    """Is it written as text, as bytes or as a sequence where the dictionary has something else?

    Numbers under another kind of number, and text under another kind of text, are common and hide nothing.
    UN is the standard's own way to carry what a sender does not know.
    """
    if known is None or stored == "UN":
        return False
    alternatives = known.split(" or ")
    if stored in alternatives:
        return False
    if stored == "SQ" or "SQ" in alternatives:
        return True
    text = any(alternative in TEXT for alternative in alternatives)
    return (stored in TEXT) != text
