"""What a file may be called in public.

Hospitals name files after patients, and people forward what privxray prints. So a path is printed only if
each of its parts is neutral beyond doubt; otherwise the file is called by its number. To hide too much is a
little inconvenient. To print too much is a breach. The rules lean accordingly. A part is neutral if

* it consists of ASCII letters, digits, and separators other than caret and comma;
* each of its tokens (it is cut at separators, and between letters and digits) is a neutral word
  (:mod:`privxray.naming.common_words`), or has at most three letters and is no common short name, or has
  fewer than six digits (more in a counter that is padded with zeros);
* it holds no calendar date, and no long number that is only cut up by separators;
* or, instead of all that, its stem is a DICOM UID, a hexadecimal digest or a UUID.

And the whole path must hold none of the file's own identifying values, in whatever case or separation.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import PurePath

from privxray.naming.common_words import neutral_words, short_names

MIN_HIDDEN = 3
"""Fewest characters of a value that is looked for in a path; shorter values would be found everywhere."""

_ALLOWED = re.compile(r"[A-Za-z0-9 ._=()~-]+")
_TOKEN = re.compile(r"[A-Za-z]+|[0-9]+")
_SUFFIX = re.compile(r"\.(dcm|dicom|dic|ima|jpe?g|png)", re.IGNORECASE)
_OPAQUE = re.compile(
    r"(?:[A-Za-z]{2}\.)?(?:1\.[23]|2\.16|2\.25)(?:\.(?:0|[1-9][0-9]*))+"  # a UID, as PACS name their files
    r"|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)
_MAX_UID = 128
_DATES = re.compile(
    r"(?<![0-9])(?:"
    # A day or month of one digit needs separators around it: 20001-1 is the first image of patient 20001.
    r"(?:19|20)[0-9]{2}[^A-Za-z0-9]*(?:0[1-9]|1[0-2])[^A-Za-z0-9]*(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:19|20)[0-9]{2}[^A-Za-z0-9]+(?:0?[1-9]|1[0-2])[^A-Za-z0-9]+(?:0?[1-9]|[12][0-9]|3[01])"
    r"|(?:0?[1-9]|[12][0-9]|3[01])[^A-Za-z0-9]+(?:0?[1-9]|[12][0-9]|3[01])[^A-Za-z0-9]+(?:19|20)[0-9]{2}"
    r"|[0-9]{2}[^A-Za-z0-9][0-9]{2}[^A-Za-z0-9][0-9]{2}"
    r")(?![0-9])"
)
_CUT_NUMBER = re.compile(r"[0-9]+(?:[^A-Za-z0-9]+[0-9]+)+")
_CUT_NUMBER_DIGITS = range(9, 12)  # social security and telephone numbers; 0429-0001-0001 is longer
_MAX_DIGITS = 5
_MAX_COUNTER = 4  # significant digits of a longer, zero-padded counter such as IM000001
_MAX_LETTERS = 3
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_DIGEST = re.compile(r"-[0-9a-f]{8}(?=\.(?:offer|answer)\Z)")  # of privxray's own files: no word, no date


def public_name(path: PurePath, number: int, hidden_values: Collection[str] = ()) -> str:
    """The path with forward slashes if it is neutral, else ``file #<number>``.

    :param path: relative to the folder that the user named, so that nothing above that folder is printed.
    :param number: position of the file, from 1, in the sorted list of files, which the user can make too.
    :param hidden_values: identifying values of the file; those shorter than :data:`MIN_HIDDEN` are ignored.
    """
    shown = path.as_posix()
    neutral = bool(path.parts) and not path.is_absolute() and all(map(_is_neutral, path.parts))
    if neutral and not _holds(shown, hidden_values):
        return shown
    return f"file #{number}"


def public_names(paths: Sequence[PurePath]) -> list[str]:
    """The public names of files that were typed one by one.

    A file is called by its last part if that is neutral and no earlier file has it, else by its position,
    from 1, in the order given.
    """
    names: list[str] = []
    for number, path in enumerate(paths, start=1):
        name = public_name(PurePath(path.name), number)
        names.append(f"file #{number}" if name in names else name)
    return names


def lone_name(path: PurePath, kind: str = "a file") -> str:
    """The public name of a file that was typed alone: its last part if neutral, else a phrase.

    A number would say nothing here.

    :param kind: what the phrase calls it.
    """
    name = public_name(PurePath(path.name), 0)
    return name if name == path.name else f"{kind} whose name may identify somebody"


def _is_neutral(part: str) -> bool:
    if not _ALLOWED.fullmatch(part) or part in (".", ".."):
        return False
    part = _DIGEST.sub("", part)
    suffix = _SUFFIX.search(part)
    stem = part[: suffix.start()] if suffix and suffix.end() == len(part) else part
    if len(stem) <= _MAX_UID and _OPAQUE.fullmatch(stem):
        return True
    if _DATES.search(part):
        return False
    if any(sum(map(str.isdigit, found)) in _CUT_NUMBER_DIGITS for found in _CUT_NUMBER.findall(part)):
        return False
    return all(map(_is_neutral_token, _TOKEN.findall(part)))


def _is_neutral_token(token: str) -> bool:
    if token.isdigit():
        return len(token) <= _MAX_DIGITS or len(token.lstrip("0")) <= _MAX_COUNTER
    word = token.lower()
    if word in short_names():
        return False
    return len(word) <= _MAX_LETTERS or word in neutral_words()


def _holds(shown: str, values: Collection[str]) -> bool:
    plain, bare = shown.lower(), _SEPARATORS.sub("", shown.lower())
    for value in values:
        lowered = value.strip().lower()
        squeezed = _SEPARATORS.sub("", lowered)
        if len(lowered) >= MIN_HIDDEN and lowered in plain:
            return True
        if len(squeezed) >= MIN_HIDDEN and squeezed in bare:
            return True
    return False
