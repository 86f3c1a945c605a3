"""What a file says of its own de-identification, and whether that fits the profile and the rest of the file.

It is judged at the end of the file: Patient Identity Removed (0012,0062); the method in words (0012,0063) and
by the codes of CID 7050 (0012,0064); what became of dates (0028,0303); burned-in annotations (0028,0301) and
recognizable features (0028,0302); and whether the file meta names the same object as the data set (PS3.15
E.1.1, E.3; PS3.10 7.1). Tested in tests/unit/test_deid_dicom.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from privxray.deid import tags
from privxray.deid.dicomfile.character_sets import plain_text
from privxray.deid.dicomfile.element import TEXT, Element
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.profile.profile import BASIC_CODE, Dates, Profile, ProfileOption

_DIRECTORY: Final = "1.2.840.10008.1.3.10"
_METHOD_ITEM: Final = re.compile(
    re.escape(tags.label(tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE)) + r"\[[0-9]+\]/"
)
_CODE: Final = (tags.CODE_VALUE, tags.CODING_SCHEME_DESIGNATOR)
_OLDEST: Final = 130  # more years lie between a dummy date and a real one
_DATE: Final = re.compile(r"[0-9]{8}")


class Claims:
    """Takes the elements of a data set, and at its end says what is wrong with its claims."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._top: dict[int, bytes] = {}
        self._codes: dict[str, dict[int, str]] = {}

    def take(self, element: Element) -> None:
        """The next element."""
        tag = element.tag
        if not element.prefix:
            self._top[tag] = element.value if element.vr in TEXT else (b"1" if element.filled else b"")
        elif tag in _CODE and _METHOD_ITEM.fullmatch(element.prefix):
            self._codes.setdefault(element.prefix, {})[tag] = plain_text(element.value)

    def value(self, tag: int) -> bytes:
        """The bytes of a text element of the data set; of any other, ``b"1"`` if it is filled."""
        return self._top.get(tag, b"")

    def names_its_method(self) -> bool:
        """True if the file says that it is de-identified, and how."""
        in_words = self._text(tags.DEIDENTIFICATION_METHOD)
        by_codes = self.value(tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE)
        return self._text(tags.PATIENT_IDENTITY_REMOVED) == "YES" and bool(in_words or by_codes)

    def findings(self, meta: Mapping[int, bytes]) -> Iterator[Finding]:
        """What is wrong with them.

        :param meta: the values of the file meta.
        """
        yield from self._of_object(meta)
        if self._text(tags.PATIENT_IDENTITY_REMOVED) != "YES":
            yield rules.DECLARED.at(tags.PATIENT_IDENTITY_REMOVED)
        yield from self._of_methods()
        yield from self._of_dates()
        yield from self._of_pixels()

    def _text(self, tag: int) -> str:
        return plain_text(self.value(tag))

    def _of_object(self, meta: Mapping[int, bytes]) -> Iterator[Finding]:
        if not meta:  # a file without file meta contradicts nothing
            return
        instance = plain_text(meta.get(tags.MEDIA_STORAGE_SOP_INSTANCE_UID, b""))
        sop_class = plain_text(meta.get(tags.MEDIA_STORAGE_SOP_CLASS_UID, b""))
        if sop_class == _DIRECTORY:
            yield rules.DIRECTORY.at("file")
            return
        if instance != self._text(tags.SOP_INSTANCE_UID):
            yield rules.META_UID.at(tags.MEDIA_STORAGE_SOP_INSTANCE_UID)
        if sop_class != self._text(tags.SOP_CLASS_UID):
            yield rules.META_CLASS.at(tags.MEDIA_STORAGE_SOP_CLASS_UID)

    def _of_methods(self) -> Iterator[Finding]:
        codes = {
            item.get(tags.CODE_VALUE, "")
            for item in self._codes.values()
            if item.get(tags.CODING_SCHEME_DESIGNATOR) == "DCM"
        }
        if BASIC_CODE[0] not in codes:
            words = bool(self.value(tags.DEIDENTIFICATION_METHOD).strip(b" \0"))
            yield (rules.METHOD_TEXT if words else rules.METHOD).at(
                tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE
            )
        known = {option.code for option in ProfileOption}
        if codes - known - {BASIC_CODE[0]}:
            yield rules.METHOD_CODE.at(tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE)
        full, modified = (
            ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES,
            ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES,
        )
        if {full.code, modified.code} <= codes:
            yield rules.METHOD_CONTRADICTION.at(tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE)
        elif codes and codes & known != {option.code for option in self._profile.options}:
            yield rules.METHOD_OPTIONS.at(tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE)

    def _of_dates(self) -> Iterator[Finding]:
        says = self._text(tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED)
        wanted = self._profile.dates
        if says != wanted and (says or wanted is not Dates.REMOVED):
            yield rules.TEMPORAL.at(tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED)
        if self._over_89():
            yield rules.AGE.at(tags.PATIENT_BIRTH_DATE)
        if wanted is not Dates.MODIFIED:
            return
        acquired, stamp = self._text(tags.ACQUISITION_DATE), self._text(tags.ACQUISITION_DATE_TIME)[:8]
        if _DATE.fullmatch(acquired) and _DATE.fullmatch(stamp) and stamp != acquired:
            yield rules.SET_DATES.at(tags.ACQUISITION_DATE_TIME)

    def _of_pixels(self) -> Iterator[Finding]:
        """What the file says of its pixels. What is in them is a matter for ``--ocr``."""
        options, has_pixels = self._profile.options, bool(self.value(tags.PIXEL_DATA))
        burned_in, features = (
            self._text(tags.BURNED_IN_ANNOTATION),
            self._text(tags.RECOGNIZABLE_VISUAL_FEATURES),
        )
        if burned_in == "YES":
            yield rules.BURNED_IN.at(tags.BURNED_IN_ANNOTATION)
        elif burned_in != "NO":
            cleaned = has_pixels and ProfileOption.CLEAN_PIXEL_DATA in options
            yield (rules.BURNED_IN_UNSAID if cleaned else rules.BURNED_IN_UNKNOWN).at(
                tags.BURNED_IN_ANNOTATION
            )
        if features != "NO" and has_pixels and ProfileOption.CLEAN_RECOGNIZABLE_VISUAL_FEATURES in options:
            yield rules.RECOGNIZABLE_FEATURES_UNSAID.at(tags.RECOGNIZABLE_VISUAL_FEATURES)
        elif features == "YES":
            yield rules.RECOGNIZABLE_FEATURES.at(tags.RECOGNIZABLE_VISUAL_FEATURES)

    def _over_89(self) -> bool:
        born, seen = self._text(tags.PATIENT_BIRTH_DATE), self._text(tags.STUDY_DATE)
        if not _DATE.fullmatch(born) or not _DATE.fullmatch(seen):
            return False
        years = int(seen[:4]) - int(born[:4]) - (seen[4:] < born[4:])
        return 90 < years < _OLDEST
