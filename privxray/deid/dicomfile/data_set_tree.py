"""A data set as a tree of raw elements, and back to bytes in Explicit VR Little Endian (PS3.5 A.2).

:class:`~privxray.deid.dicomfile.element_reader.ElementReader` reads it, so that a copy is made from what the
    check sees. A value keeps its bytes, with two exceptions: the numbers of big-endian files are swapped, and
    where the source names no value representation, the dictionary's is written. Nothing is decoded, no
    character set is guessed, and equal trees give equal bytes.

Three things are left out at once, because no copy may keep them: group lengths (PS3.5 7.2, retired);
everything after the pixel data of the data set, where the standard only has signatures and padding, which the
profile removes; and the earlier of two elements with one tag.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from privxray.deid import tags
from privxray.deid.dicomfile.character_sets import plain_text
from privxray.deid.dicomfile.dictionary import standard_vr
from privxray.deid.dicomfile.element import TEXT, DamagedError, Data, Element, Encoding, wrong_kind
from privxray.deid.dicomfile.element_reader import ElementReader

_LONG = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
_MAX_SHORT = 0xFFFF
_UNDEFINED = 0xFFFFFFFF
_WIDTHS = {
    **dict.fromkeys(("AT", "OW", "SS", "US"), 2),
    **dict.fromkeys(("FL", "OF", "OL", "SL", "UL"), 4),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8),
}
_ITEM = struct.pack("<HHL", 0xFFFE, 0xE000, 0)[:4]
_SEQUENCE_END = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


@dataclass(slots=True)
class Node:
    """One data element.

    :ivar vr: its value representation, two letters.
    :ivar value: the stored bytes in little endian, of any length; empty for a sequence.
    :ivar items: the data sets of a sequence; None for everything else.
    :ivar wrong_kind: the source stored text, bytes or items where the dictionary has another of these.
    :ivar fragments: ``value`` is a run of fragment items, without the delimiter at its end (PS3.5 A.4).
    """

    tag: int
    vr: str
    value: bytes = b""
    items: list[Tree] | None = None
    wrong_kind: bool = False
    fragments: bool = False

    @property
    def text(self) -> str:
        """The value without padding, one letter for each byte: right for codes and digits, not for prose."""
        return plain_text(self.value)


@dataclass(slots=True)
class Tree:
    """A data set, or an item of a sequence: elements by tag."""

    nodes: dict[int, Node] = field(default_factory=dict)

    def text(self, tag: int) -> str:
        """The text of an element; empty if there is no such element."""
        node = self.nodes.get(tag)
        return node.text if node else ""

    def number(self, tag: int) -> int | None:
        """The first value of a US or IS element; None if there is no such element or no number in it."""
        node = self.nodes.get(tag)
        if node is None:
            return None
        if node.vr in TEXT:
            first = node.text.split("\\")[0].strip()
            return int(first) if first.lstrip("+-").isdigit() and first.isascii() else None
        return int.from_bytes(node.value[:2], "little") if len(node.value) >= 2 else None

    def put(self, tag: int, vr: str, value: str | bytes) -> None:
        """Set an element.

        :param value: text in ASCII, or bytes.
        """
        self.nodes[tag] = Node(tag, vr, value.encode("ascii") if isinstance(value, str) else value)


def read_tree(data: Data, start: int, encoding: Encoding, *, partial: bool = False) -> Tree:
    """The data set that begins at ``start``.

    :param partial: the file is known to be cut off: give what can be read.
    :raises DamagedError: the bytes up to the end of the pixel data, or of the file where there is none, can't
        be read.
    """
    root = Tree()
    sequences: dict[str, list[Tree]] = {}  # the items of each sequence, by its place

    def take_item(prefix: str) -> None:
        _tree_at(root, sequences, prefix)  # an empty item may be all that a mandatory sequence has

    try:
        for element in ElementReader(data, start, encoding, on_item=take_item).walk():
            big = not encoding.little and element.stored != "UN"
            at_pixels = element.tag == tags.PIXEL_DATA
            width = (root.number(tags.BITS_ALLOCATED) or 16) // 8 if at_pixels else None
            node = _node(element, data[element.start : element.end], big, width)
            if node is not None:
                nodes = _tree_at(root, sequences, element.prefix).nodes
                nodes.pop(node.tag, None)
                nodes[node.tag] = node
                if node.items is not None:
                    sequences[element.where] = node.items
            if at_pixels and not element.prefix:
                break
    except DamagedError:
        if not partial:
            raise
    _resolve(root, signed=False)
    return root


def write_tree(tree: Tree) -> bytes:
    """The data set in Explicit VR Little Endian, tags ascending, lengths defined."""
    return b"".join(tree_pieces(tree))


def tree_pieces(tree: Tree) -> Iterator[bytes]:
    """What :func:`write_tree` gives, in pieces, so that a long value is copied once."""
    for tag in sorted(tree.nodes):
        yield from _written(tree.nodes[tag])


def _tree_at(root: Tree, sequences: dict[str, list[Tree]], prefix: str) -> Tree:
    """The data set at a place such as ``(0040,A730)[0]/``, made where it is new."""
    if not prefix:
        return root
    where, _, index = prefix[:-2].rpartition("[")
    items = sequences.setdefault(where, [])  # of a sequence that is left out, items go nowhere
    while len(items) <= int(index):
        items.append(Tree())
    return items[int(index)]


def _node(element: Element, raw: bytes, big: bool, width: int | None) -> Node | None:
    tag = element.tag
    if tag & 0xFFFF == 0:
        return None
    known = standard_vr(tag)
    wrong = wrong_kind(element.stored, known)
    if element.vr == "SQ":
        return Node(tag, "SQ", items=[], wrong_kind=wrong)
    undefined = tag == tags.PIXEL_DATA and element.vr in ("OB", "OW", "OB or OW") and _is_fragments(raw)
    vr = element.vr
    if known in TEXT and vr in TEXT:
        vr = str(known)  # one kind of text under another's name would miss the rules for its own
    if big and not undefined:
        # Pixels of 32 bits are swapped as wholes, and two of 8 bits share a word (PS3.5 A.3, 8.1.1).
        raw = _swapped(raw, _width(vr) and max(_width(vr), width or 0))
    if undefined:
        return Node(tag, "OB", raw.removesuffix(_SEQUENCE_END), fragments=True)
    return Node(tag, vr, raw, wrong_kind=wrong)


def _is_fragments(raw: bytes) -> bool:
    return raw.startswith(_ITEM) and raw.endswith(_SEQUENCE_END)


def _width(vr: str) -> int:
    """How many bytes one number has; 0 for a VR without a byte order."""
    return _WIDTHS.get(vr.rpartition(" or ")[2], 0)


def _swapped(raw: bytes, width: int) -> bytes:
    if not width:
        return raw
    whole = len(raw) - len(raw) % width
    numbers = np.frombuffer(raw[:whole], np.uint8).reshape(-1, width)
    return numbers[:, ::-1].tobytes() + raw[whole:]


def _resolve(tree: Tree, *, signed: bool) -> None:
    """Settle the dictionary's alternatives (PS3.5 A.1), by Pixel Representation; tables become words."""
    representation = tree.number(tags.PIXEL_REPRESENTATION)
    signed = signed if representation is None else representation == 1
    for node in tree.nodes.values():
        for item in node.items or ():
            _resolve(item, signed=signed)
        if node.vr in ("OB or OW", "US or OW", "US or SS or OW"):
            node.vr = "OW"
        elif node.vr == "US or SS":
            node.vr = "SS" if signed else "US"


def _written(node: Node) -> Iterator[bytes]:
    if node.items is not None:
        body = b"".join(map(_item, node.items))
        yield _header(node.tag, "SQ", len(body))
        yield body
    elif node.fragments:
        yield _header(node.tag, "OB", _UNDEFINED)
        yield node.value
        yield _SEQUENCE_END
    else:
        padding = b"" if len(node.value) % 2 == 0 else b" " if node.vr in TEXT - {"UI"} else b"\0"
        length = len(node.value) + len(padding)
        # PS3.5 6.2.2: a value too long for its own VR's short length travels as UN.
        yield _header(node.tag, node.vr if node.vr in _LONG or length <= _MAX_SHORT else "UN", length)
        yield node.value
        yield padding


def _item(tree: Tree) -> bytes:
    body = write_tree(tree)
    return _ITEM + struct.pack("<L", len(body)) + body


def _header(tag: int, vr: str, length: int) -> bytes:
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    return head + (struct.pack("<HL", 0, length) if vr in _LONG else struct.pack("<H", length))


def all_trees(tree: Tree) -> Iterable[Tree]:
    """The data set and every item in it, at any depth."""
    waiting = [tree]
    while waiting:
        current = waiting.pop()
        yield current
        for node in current.nodes.values():
            waiting.extend(node.items or ())
