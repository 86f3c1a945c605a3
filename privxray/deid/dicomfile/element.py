"""A data element and the ways to write one (DICOM PS3.5 section 7 and Annex A)."""

from __future__ import annotations

from dataclasses import dataclass, field
from mmap import mmap
from struct import Struct
from typing import NamedTuple, TypeAlias

from privxray.deid import tags

Data: TypeAlias = bytes | mmap
"""A file's bytes, in memory or mapped: a mapped file's pixel data is stepped over without being read."""

_TEXT_CODES = "AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT"
TEXT = frozenset(_TEXT_CODES.split())
"""Value representations whose bytes are characters."""


class DamagedError(Exception):
    """The bytes can't be read to their end. The text is one of this package's fixed ones, never a value."""


@dataclass(frozen=True)
class Encoding:
    """Byte order and whether value representations are written out."""

    explicit: bool
    little: bool

    def __post_init__(self) -> None:
        order = "<" if self.little else ">"
        object.__setattr__(self, "tag", Struct(f"{order}HH"))
        object.__setattr__(self, "implicit_header", Struct(f"{order}HHL"))
        object.__setattr__(self, "explicit_header", Struct(f"{order}HH2sH"))
        object.__setattr__(self, "length", Struct(f"{order}L"))

    tag: Struct = field(init=False, repr=False, compare=False)
    implicit_header: Struct = field(init=False, repr=False, compare=False)
    explicit_header: Struct = field(init=False, repr=False, compare=False)
    length: Struct = field(init=False, repr=False, compare=False)


EXPLICIT_LITTLE = Encoding(explicit=True, little=True)
EXPLICIT_BIG = Encoding(explicit=True, little=False)
IMPLICIT_LITTLE = Encoding(explicit=False, little=True)
IMPLICIT_BIG = Encoding(explicit=False, little=False)


class Element(NamedTuple):
    """One data element, wherever it is.

    ``vr`` is what it is taken for, ``stored`` what the file wrote (None in implicit VR). ``value`` is filled
    in for text and for trailing padding only; ``start`` and ``end`` say where the value of any element but a
    sequence lies in the data. ``filled`` is False where nothing but padding, separators or no item at all is
    there. ``again`` says that the same tag came before at the same place. ``creator`` is the private creator
    that reserved a private element's block at the same place (PS3.5 7.8.1), None where there is none.
    """

    tag: int
    vr: str
    stored: str | None
    prefix: str
    value: bytes
    filled: bool
    again: bool
    start: int
    end: int
    creator: str | None = None

    @property
    def where(self) -> str:
        """The place, as a finding prints it."""
        return self.prefix + tags.label(self.tag)


def wrong_kind(stored: str | None, known: str | None) -> bool:
    """Is it written as text, as bytes or as a sequence where the dictionary has something else?

    Numbers under another kind of number, and text under another kind of text, are common and hide nothing.
    UN is the standard's own way to carry what a sender does not know (PS3.5 6.2.2).

    :param stored: the value representation in the file; None where it names none.
    :param known: the dictionary's, or alternatives such as ``OB or OW``; None where it has none.
    """
    if stored is None or known is None or stored == "UN":
        return False
    alternatives = known.split(" or ")
    if stored in alternatives:
        return False
    if stored == "SQ" or "SQ" in alternatives:
        return True
    return (stored in TEXT) != any(alternative in TEXT for alternative in alternatives)
