"""How an element is written, whatever its action: value representation, characters, UIDs (PS3.5 6.2, 9.1).

A value that is not what it is declared to be can hold anything, so each of these is an error.
"""

from __future__ import annotations

import re
from typing import Final

from privxray.deid import tags
from privxray.deid.dicomfile.dictionary import registered, standard_vr
from privxray.deid.dicomfile.element import Element, wrong_kind
from privxray.deid.findings import rules
from privxray.deid.findings.rules import Rule
from privxray.deid.profile.profile import Profile

_CLASSES: Final = frozenset(
    {
        tags.MEDIA_STORAGE_SOP_CLASS_UID,
        tags.TRANSFER_SYNTAX_UID,
        tags.SOP_CLASS_UID,
        tags.RELATED_GENERAL_SOP_CLASS_UID,
        tags.REFERENCED_SOP_CLASS_UID,
        tags.CODING_SCHEME_UID,
        tags.CONTEXT_UID,
    }
)
_UIDS: Final = re.compile(rb"[0-9.\\]*")

# What the characters of a value may be at most (PS3.5 6.2), wide enough for what devices really write.
CONTENT: Final = {
    "CS": re.compile(rb"[A-Za-z0-9_ .,:+/()*#%&<>='\\-]*\Z"),
    "DA": re.compile(rb"[0-9.\\ -]*\Z"),
    "TM": re.compile(rb"[0-9.:\\ -]*\Z"),
    "DT": re.compile(rb"[0-9.+\\ -]*\Z"),
    "AS": re.compile(rb"[0-9DWMYdwmy\\ ]*\Z"),
    "DS": re.compile(rb"[0-9+.eE\\ -]*\Z|[0-9+.eE\\ -]*(?i:nan|inf)[\\ ]*\Z"),
    "IS": re.compile(rb"[0-9+.eE\\ -]*\Z"),
}


def writing(element: Element, profile: Profile) -> list[Rule]:
    """Rules about how an element is written, whatever its action."""
    found: list[Rule] = []
    tag, vr, stored = element.tag, element.vr, element.stored
    if element.again:
        found.append(rules.DUPLICATE)
    if not tag & 0x10000 and wrong_kind(stored, standard_vr(tag)):
        found.append(rules.VR)
    if vr == "UI":
        if not _UIDS.fullmatch(element.value.strip(b" \0")):
            found.append(rules.NOT_A_UID)
        elif tag in _CLASSES and element.filled and _is_new(element, profile):
            found.append(rules.STANDARD_UID_REPLACED)
    elif vr in CONTENT:
        if element.filled and not CONTENT[vr].match(element.value.rstrip(b"\0")):
            found.append(rules.VR_CONTENT)
        elif tag == tags.PATIENT_AGE and _over_89(element.value):
            found.append(rules.AGE)
    return found


def _is_new(element: Element, profile: Profile) -> bool:
    uids = [uid.strip(" \0") for uid in element.value.decode("latin-1").split("\\")]
    return any(uid.startswith("2.25.") or profile.is_new_uid(uid) for uid in uids if not registered(uid))


def _over_89(value: bytes) -> bool:
    """Patient's Age above ``090Y``, which stands for the class of 90 and older."""
    matched = re.fullmatch(rb"\s*([0-9]{1,4})([DWMYdwmy])\s*", value.strip(b" \0"))
    if not matched:
        return False
    per_year = {b"Y": 1, b"M": 12, b"W": 52, b"D": 365}[matched[2].upper()]
    return int(matched[1]) > 90 * per_year
