"""Is this value plainly a dummy, or of the shape of a pseudonym?

Code Z of Table E.1-1 asks for an empty value or for a dummy, and a check without the original can't tell a
dummy from what it replaced. So only values are accepted that no record holds by chance: a short list of words
and dates. What is accepted is still reported as a notice, so that a person sees it.

Patient's Name (Z) and Patient ID (Z/D) need one thing more. De-identified collections keep their patients
apart by a pseudonym in these two attributes, and so does this tool. A pseudonym and a hospital number can
look the same, so a shape proves nothing by itself; it is accepted only where the file says of itself that
its identity was removed and by what method (``rules.PSEUDONYM``), and even then as a notice. The shape
excludes what a name or a birth date looks like. The two differ in one point. A bare number of six or more
digits is refused as a *name*, for there it is most likely a hospital number that was put in the wrong
place; as an *id* it is accepted, because public collections number their patients that way and the table
allows a dummy there (D).
"""

from __future__ import annotations

import re

_LISTED = """
    ANON ANONYM ANONYMOUS ANONYMIZED ANONYMISED ANONYMOUSPATIENT ANONYMIZEDPATIENT ANONYMISEDPATIENT
    PATIENTANONYMOUS DEIDENTIFIED DEIDENTIFIEDPATIENT DUMMY EMPTY MASKED NA NONE NOTAPPLICABLE NOTAVAILABLE
    NULL PSEUDONYM PSEUDONYMIZED PSEUDONYMISED REDACTED REMOVED UNDISCLOSED UNKNOWN UNSPECIFIED WITHHELD
"""
_WORDS = frozenset(_LISTED.split())
_FILLER = re.compile(r"(X{2,}|0+)", re.IGNORECASE)
_DATE = re.compile(r"(00010101|11111111|19000101)")
_TIME = re.compile(r"0{2}(0{2}(0{2}(\.0{1,6})?)?)?")
_STAMP = re.compile(r"(00010101|11111111|19000101)(0{2,6}(\.0{1,6})?)?([+-]0{4})?")
_PSEUDONYM = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9_-]{4,64}")
_BIRTH_DATE = re.compile(r"(19|20)[0-9]{2}[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12][0-9]|3[01])")
_LONG_NUMBER = re.compile(r"[0-9]{6,}")


def is_dummy(vr: str, value: bytes) -> bool:
    """True for a value that holds a listed dummy and nothing else; ``vr`` is what it is taken for.

    A value with several parts is a dummy if every part is one. Bytes outside ASCII never are.
    """
    try:
        parts = value.decode("ascii").strip(" \0").split("\\")
    except UnicodeDecodeError:
        return False
    return all(_is_dummy_part(vr, part.strip(" \0")) for part in parts)


def is_pseudonym(value: bytes, *, as_name: bool) -> bool:
    """True for the shape of a pseudonym; see the module's text for what that is worth.

    4 to 64 of ``A-Z a-z 0-9 _ -`` with at least one digit, so without spaces, ``^`` or commas; no calendar
    date from 1900 on; and in a name (``as_name``) not a bare number of six or more digits.
    """
    try:
        text = value.decode("ascii").strip(" \0")
    except UnicodeDecodeError:
        return False
    if not _PSEUDONYM.fullmatch(text) or _BIRTH_DATE.fullmatch(text):
        return False
    return not (as_name and _LONG_NUMBER.fullmatch(text))


def _is_dummy_part(vr: str, part: str) -> bool:
    if vr == "DA":
        return not part or bool(_DATE.fullmatch(part))
    if vr == "TM":
        return not part or bool(_TIME.fullmatch(part))
    if vr == "DT":
        return not part or bool(_STAMP.fullmatch(part))
    bare = re.sub(r"[ ^=_./-]", "", part).upper()
    return not bare or bare in _WORDS or bool(_FILLER.fullmatch(bare))
