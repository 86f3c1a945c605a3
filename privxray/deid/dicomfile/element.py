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
    """The bytes can't be read to their end. The text is one of this package's fixed texts, never a value."""


@dataclass(frozen=True)
class Encoding:
    """How elements are written: the byte order, and whether with their value representations."""

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
    """One data element as the file has it, at any depth.

    :ivar vr: the value representation that it is taken for. :ivar stored: the one that the file wrote; None
        in implicit VR.
    :ivar prefix: where it is: empty in the data set itself, else such as ``(0040,A730)[0]/``.
    :ivar value: the bytes of text and of trailing padding; empty for any other kind.
    :ivar filled: False where there is only padding, only separators, or a sequence without items.
    :ivar again: the same tag came before at the same place.
    :ivar start, end: where the value lies in the data, except for a sequence.
    :ivar creator: the private creator that reserved the element's block at the same place (PS3.5 7.8.1); None
        for elements that are not private or have no creator.
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
    """True if an element is stored as text, bytes or a sequence where the dictionary has another of these.

    Numbers stored as another kind of number, and text as another kind of text, are common and hide nothing.
    UN is the standard's own way to carry what a sender does not know (PS3.5 6.2.2).

    :param stored: the value representation in the file; None where it writes none.
    :param known: the dictionary's, with alternatives such as ``OB or OW``; None where it has none.
    """
    if stored is None or known is None or stored == "UN":
        return False
    alternatives = known.split(" or ")
    if stored in alternatives:
        return False
    if stored == "SQ" or "SQ" in alternatives:
        return True
    return (stored in TEXT) != any(alternative in TEXT for alternative in alternatives)
