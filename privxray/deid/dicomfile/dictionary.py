"""The standard's elements and UIDs (PS3.6), by pydicom's tables (:mod:`privxray.deid.pydicom_tables`)."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

from privxray.deid.pydicom_tables import table

JPEG_XL: Final = ("1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112")
DEFLATED_IMAGE_FRAME: Final = "1.2.840.10008.1.2.8.1"

_LATER: Final = frozenset({*JPEG_XL, DEFLATED_IMAGE_FRAME})
"""Transfer syntaxes of PS3.6 2025a, Table A-1, that pydicom 3.0 does not list."""

_MASKED_GROUPS: Final = (0x50, 0x60)


@lru_cache(maxsize=16384)
def standard_vr(tag: int) -> str | None:
    """The dictionary's value representation, such as ``US or SS``; None for an unknown or private tag."""
    if tag & 0x10000:
        return None
    if tag & 0xFFFF == 0:
        return "UL"  # a group length: retired, but any group may begin with one
    plain, repeating = _elements()
    entry = plain.get(tag)
    if entry is None and tag >> 24 in _MASKED_GROUPS:
        entry = repeating.get(f"{tag >> 24:02X}xx{tag & 0xFFFF:04X}")
    if entry is None:
        entry = _by_mask(tag)
    return None if entry is None else str(entry[0])


def registered(uid: str) -> bool:
    """True for a UID of the standard itself (PS3.6 Annex A), which identifies no instance."""
    return uid in _uids() or uid in _LATER


def is_transfer_syntax(uid: str) -> bool:
    """True if the standard has a transfer syntax of this UID."""
    entry = _uids().get(uid)
    return uid in _LATER or (entry is not None and entry[1] == "Transfer Syntax")


def _by_mask(tag: int) -> tuple[str, ...] | None:
    """The entry of a retired family of tags, such as (0020,31xx) or (7Fxx,0010)."""
    digits = f"{tag:08X}"
    for mask, entry in _elements()[1].items():
        if all(wanted in ("x", digit) for wanted, digit in zip(mask, digits, strict=True)):
            return entry
    return None


@cache
def _elements() -> tuple[dict[int, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    module = table("_dicom_dict")
    return module.DicomDictionary, module.RepeatersDictionary


@cache
def _uids() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = table("_uid_dict").UID_dictionary
    return found
