"""Where :mod:`privxray.deid.dicomfile.element_reader` stands in a file.

Tested in tests/unit/test_deid_elements.py.
"""

from __future__ import annotations

from privxray.deid.dicomfile.element import Data, Encoding


def only_zeros(data: Data, start: int) -> bool:
    """True if all bytes from ``start`` on are zero. Reads in blocks, for a mapped file may be large."""
    for at in range(start, len(data), 1 << 20):
        block = data[at : at + (1 << 20)]
        if block.count(0) != len(block):
            return False
    return True


class OpenLevel:
    """A data set, or the items of a sequence, that is being read.

    :ivar end: where it ends; None for undefined length. :ivar limit: where it must end at the latest.
    :ivar index: number of the next item. :ivar seen: tags so far, to find those that come twice.
    """

    __slots__ = ("creators", "encoding", "end", "index", "items", "limit", "prefix", "seen")

    def __init__(self, prefix: str, encoding: Encoding, end: int | None, limit: int, *, items: bool) -> None:
        self.prefix = prefix
        self.encoding = encoding
        self.end = end
        self.limit = limit if end is None else end
        self.items = items
        self.index = 0
        self.seen: set[int] = set()
        self.creators: dict[int, str] = {}  # by the upper 24 bits of the tags in their block
