"""What a file says of its own de-identification, and whether that fits the profile and the rest of it.

Told at the end of the file: its declaration (0012,0062), the method (0012,0063) and (0012,0064) by the codes
of CID 7050, what became of dates (0028,0303), burned-in annotations (0028,0301), recognizable features
(0028,0302), and whether the file meta names the same object as the data set (PS3.15 E.1.1, E.3; PS3.10 7.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from privxray.deid.dicomfile.element import TEXT, Element
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.profile.identifying import BIRTH_DATE
from privxray.deid.profile.profile import BASIC_CODE, Dates, Option, Profile

META_CLASS, META_INSTANCE, CLASS, INSTANCE = 0x00020002, 0x00020003, 0x00080016, 0x00080018
STUDY_DATE: Final = 0x00080020

_DIRECTORY: Final = "1.2.840.10008.1.3.10"
_REMOVED, _METHOD_TEXT, _METHOD_CODES = 0x00120062, 0x00120063, 0x00120064
_BURNED_IN, _FEATURES, _TEMPORAL = 0x00280301, 0x00280302, 0x00280303
_ACQUIRED, _ACQUIRED_AT, _PIXEL_DATA = 0x00080022, 0x0008002A, 0x7FE00010
_CODE, _SCHEME = 0x00080100, 0x00080102
_METHOD_ITEM: Final = re.compile(r"\(0012,0064\)\[[0-9]+\]/")
_DATE: Final = re.compile(r"[0-9]{8}")


class Claims:
    """Takes a data set's elements, and says at its end what is wrong with its claims."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._top: dict[int, bytes] = {}
        self._codes: dict[str, dict[int, str]] = {}

    def take(self, element: Element) -> None:
        """The next element."""
        tag = element.tag
        if not element.prefix:
            self._top[tag] = element.value if element.vr in TEXT else (b"1" if element.filled else b"")
        elif tag in (_CODE, _SCHEME) and _METHOD_ITEM.fullmatch(element.prefix):
            self._codes.setdefault(element.prefix, {})[tag] = text(element.value)

    def value(self, tag: int) -> bytes:
        """The bytes of a text element of the data set; of any other, whether it is filled."""
        return self._top.get(tag, b"")

    def names_its_method(self) -> bool:
        """Does it say that it is de-identified, and how?"""
        method = self.value(_METHOD_TEXT).strip(b" \0") or self.value(_METHOD_CODES)
        return self._text(_REMOVED) == "YES" and bool(method)

    def findings(self, meta: Mapping[int, bytes]) -> Iterator[Finding]:
        """What is wrong. :param meta: the file meta's values."""
        yield from self._of_object(meta)
        if self._text(_REMOVED) != "YES":
            yield rules.DECLARED.at("(0012,0062)")
        yield from self._of_methods()
        yield from self._of_dates()
        yield from self._of_pixels()

    def _text(self, tag: int) -> str:
        return text(self.value(tag))

    def _of_object(self, meta: Mapping[int, bytes]) -> Iterator[Finding]:
        if text(meta.get(META_CLASS, b"")) == _DIRECTORY:
            yield rules.DIRECTORY.at("file")
            return
        if text(meta.get(META_INSTANCE, b"")) != self._text(INSTANCE):
            yield rules.META_UID.at("(0002,0003)")
        if text(meta.get(META_CLASS, b"")) != self._text(CLASS):
            yield rules.META_CLASS.at("(0002,0002)")

    def _of_methods(self) -> Iterator[Finding]:
        codes = {item.get(_CODE, "") for item in self._codes.values() if item.get(_SCHEME) == "DCM"}
        if BASIC_CODE[0] not in codes:
            words = bool(self.value(_METHOD_TEXT).strip(b" \0"))
            yield (rules.METHOD_TEXT if words else rules.METHOD).at("(0012,0064)")
        known = {option.code for option in Option}
        if codes - known - {BASIC_CODE[0]}:
            yield rules.METHOD_CODE.at("(0012,0064)")
        full, modified = Option.RETAIN_LONGITUDINAL_FULL_DATES, Option.RETAIN_LONGITUDINAL_MODIFIED_DATES
        if {full.code, modified.code} <= codes:
            yield rules.METHOD_BOTH.at("(0012,0064)")
        elif codes and codes & known != {option.code for option in self._profile.options}:
            yield rules.METHOD_OPTIONS.at("(0012,0064)")

    def _of_dates(self) -> Iterator[Finding]:
        says = self._text(_TEMPORAL)
        wanted = self._profile.dates
        if says != wanted and (says or wanted is not Dates.REMOVED):
            yield rules.TEMPORAL.at("(0028,0303)")
        if self._over_89():
            yield rules.AGE.at("(0010,0030)")
        if wanted is not Dates.MODIFIED:
            return
        acquired, stamp = self._text(_ACQUIRED), self._text(_ACQUIRED_AT)[:8]
        if _DATE.fullmatch(acquired) and _DATE.fullmatch(stamp) and stamp != acquired:
            yield rules.SET_DATES.at("(0008,002A)")

    def _of_pixels(self) -> Iterator[Finding]:
        """What is in them is for ``--ocr``."""
        options, has_pixels = self._profile.options, bool(self.value(_PIXEL_DATA))
        burned_in, features = self._text(_BURNED_IN), self._text(_FEATURES)
        if burned_in == "YES":
            yield rules.BURNED_IN.at("(0028,0301)")
        elif burned_in != "NO":
            cleaned = has_pixels and Option.CLEAN_PIXEL_DATA in options
            yield (rules.BURNED_IN_CLAIM if cleaned else rules.BURNED_IN_UNKNOWN).at("(0028,0301)")
        if features != "NO" and has_pixels and Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES in options:
            yield rules.FEATURES_CLAIM.at("(0028,0302)")
        elif features == "YES":
            yield rules.FEATURES.at("(0028,0302)")

    def _over_89(self) -> bool:
        born, seen = self._text(BIRTH_DATE), self._text(STUDY_DATE)
        if not _DATE.fullmatch(born) or not _DATE.fullmatch(seen):
            return False
        years = int(seen[:4]) - int(born[:4]) - (seen[4:] < born[4:])
        return 90 < years < 130  # more is a dummy date against a real one


def text(value: bytes) -> str:
    """A value of plain characters, without padding."""
    return value.decode("latin-1").strip(" \0")
