"""How an element is written, whatever its action: its kind, its characters, its UIDs (PS3.5 6.2, 9.1).

A value that is not what it is declared to be can hold anything, so each of these is an error.

Tested in tests/unit/test_deid_dicom.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from privxray.deid import tags
from privxray.deid.dicomfile.character_sets import plain_parts
from privxray.deid.dicomfile.dictionary import registered, standard_vr
from privxray.deid.dicomfile.element import Element, wrong_kind
from privxray.deid.findings import rules
from privxray.deid.findings.rules import Rule
from privxray.deid.profile.class_uids import CLASS_UIDS
from privxray.deid.profile.profile import Profile

ALLOWED_CHARACTERS: Final = {
    "CS": re.compile(rb"[A-Za-z0-9_ .,:+/()*#%&<>='\\-]*\Z"),
    "DA": re.compile(rb"[0-9.\\ -]*\Z"),
    "TM": re.compile(rb"[0-9.:\\ -]*\Z"),
    "DT": re.compile(rb"[0-9.+\\ -]*\Z"),
    "AS": re.compile(rb"[0-9DWMYdwmy\\ ]*\Z"),
    "DS": re.compile(rb"[0-9+.eE\\ -]*\Z|[0-9+.eE\\ -]*(?i:nan|inf)[\\ ]*\Z"),
    "IS": re.compile(rb"[0-9+.eE\\ -]*\Z"),
}
"""What a value may consist of (PS3.5 6.2), by value representation; wide enough for what devices write."""

_UIDS: Final = re.compile(rb"[0-9.\\]*")
_AGE: Final = re.compile(rb"\s*([0-9]{1,4})([DWMYdwmy])\s*")
_PER_YEAR: Final = {b"Y": 1, b"M": 12, b"W": 52, b"D": 365}


def representation_faults(element: Element, profile: Profile) -> Iterator[Rule]:
    """The rules that the way an element is written breaks."""
    tag, vr = element.tag, element.vr
    if element.again:
        yield rules.DUPLICATE
    if not tag & 0x10000 and wrong_kind(element.stored, standard_vr(tag)):
        yield rules.VR
    if vr == "UI":
        if not _UIDS.fullmatch(element.value.strip(b" \0")):
            yield rules.NOT_A_UID
        elif tag in CLASS_UIDS and _has_new_uid(element, profile):
            yield rules.STANDARD_UID_REPLACED
    elif vr in ALLOWED_CHARACTERS:
        if element.filled and not ALLOWED_CHARACTERS[vr].match(element.value.rstrip(b"\0")):
            yield rules.VR_CONTENT
        elif tag == tags.PATIENT_AGE and _over_89(element.value):
            yield rules.AGE


def _has_new_uid(element: Element, profile: Profile) -> bool:
    return any(
        uid.startswith("2.25.") or profile.is_new_uid(uid)
        for uid in plain_parts(element.value)
        if not registered(uid)
    )


def _over_89(value: bytes) -> bool:
    """True for an age above ``090Y``, which stands for the class of 90 and older."""
    matched = _AGE.fullmatch(value.strip(b" \0"))
    return matched is not None and int(matched[1]) > 90 * _PER_YEAR[matched[2].upper()]
