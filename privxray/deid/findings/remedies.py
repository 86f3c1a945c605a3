"""What a person does about a finding: the groups that a check's findings are shown in.

``rules.toml`` names the group of each rule. Tested in tests/unit/test_deid_rules.py.
"""

from __future__ import annotations

from enum import StrEnum


class Remedy(StrEnum):
    """What to do, the most pressing first: those of errors, then those of notices."""

    DEIDENTIFY = "deidentify"
    PICTURE = "picture"
    RENAME = "rename"
    ASK = "ask"
    LEAVE_OUT = "leave-out"
    LOOK = "look"
    KNOW = "know"

    @property
    def heading(self) -> str:
        """In a few words, without a full stop."""
        return _WORDS[self][0]

    @property
    def how(self) -> str:
        """What exactly, in a sentence with its full stop."""
        return _WORDS[self][1]


_WORDS = {
    Remedy.DEIDENTIFY: (
        "Must be mended before use",
        "privxray deidentify FOLDER COPIES writes copies without it.",
    ),
    Remedy.PICTURE: (
        "Must be mended before use: text in the picture",
        "Look at it; privxray deidentify FOLDER COPIES --ocr writes copies without it.",
    ),
    Remedy.RENAME: (
        "Must be mended before use: the name of a file or folder",
        "Rename it; copies of privxray deidentify have neutral names.",
    ),
    Remedy.ASK: (
        "Was de-identified wrongly",
        "Ask who made the copies, or make them anew with privxray deidentify.",
    ),
    Remedy.LEAVE_OUT: (
        "Can't be judged",
        "Leave the file out, or ask its vendor for one that can be read.",
    ),
    Remedy.LOOK: (
        "Look at each and decide",
        "It may be in order, and only a person can tell; none of it fails a file.",
    ),
    Remedy.KNOW: ("To know", "There is nothing to do."),
}
