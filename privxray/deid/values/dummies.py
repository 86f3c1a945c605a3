"""Whether a value is an obvious dummy, or has the shape of a pseudonym.

Action Z of Table E.1-1 asks for an empty value or a dummy. Without the original nobody can tell a dummy from
the value that it replaced. So a value counts as a dummy only if no record holds it by chance: it is on a
short list of words and dates. Such a value passes without a finding.

Patient's Name (Z) and Patient ID (Z/D) need one thing more. De-identified collections keep their patients
apart by a pseudonym in these two attributes, and so does privxray. A pseudonym and a hospital number can look
the same, so the shape alone proves nothing. It is accepted only in a file that says that its identity was
removed and by what method, and even then it is reported as a notice (``rules.PSEUDONYM``). The shape excludes
what names and birth dates look like. The two attributes differ in one point. A bare number of six or more
digits is refused as a *name*: there it is most likely a hospital number in the wrong place. It is accepted as
an *id*: public collections number their patients that way, and the table allows a dummy there (D).
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
    """True if a value is a listed dummy and nothing else.

    A value of several parts is a dummy if each of its parts is one. A value with bytes outside ASCII is none.

    :param vr: the value representation that the value is taken for.
    """
    try:
        parts = value.decode("ascii").strip(" \0").split("\\")
    except UnicodeDecodeError:
        return False
    return all(_is_dummy_part(vr, part.strip(" \0")) for part in parts)


def is_pseudonym(value: bytes, *, as_name: bool) -> bool:
    """True if a value has the shape of a pseudonym; the module's text says what that is worth.

    The shape: 4 to 64 of ``A-Z a-z 0-9 _ -`` with at least one digit, so no spaces, carets or commas, and no
    calendar date from 1900 on.

    :param as_name: the value stands in a person's name, where a bare number of six or more digits is refused.
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
