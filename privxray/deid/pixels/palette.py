"""Palette colour: what an index into a table of colours looks like (PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6)."""

from __future__ import annotations

import numpy as np

from privxray.deid import tags
from privxray.deid.dicomfile.data_set_tree import Tree
from privxray.deid.pixels.layout import Samples
from privxray.deid.pixels.trouble import NOT_FRAMES, PixelTroubleError

_LUMA = (
    (tags.RED_PALETTE_COLOR_LOOKUP_TABLE_DATA, 0.299),
    (tags.GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA, 0.587),
    (tags.BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA, 0.114),
)  # ITU-R BT.601
_DESCRIPTOR = -0x100  # from the tag of a table's data to the tag of its descriptor


def is_palette(tree: Tree) -> bool:
    """Whether the stored values are indices into a table of colours."""
    return tree.text(tags.PHOTOMETRIC_INTERPRETATION) == "PALETTE COLOR"


def shown(tree: Tree, frame: Samples, allocated: int) -> Samples:
    """The grey value, 0 to 255, of each index of a frame.

    :param allocated: bits of an index.
    :raises PixelTroubleError: a table is empty.
    """
    greys: Samples = _greys(tree, allocated)[frame & (1 << min(allocated, 16)) - 1]
    return greys


def darkest(tree: Tree, allocated: int) -> int:
    """The index with the darkest colour.

    :raises PixelTroubleError: a table is empty.
    """
    first = _first_index(tree)
    return first + int(_greys(tree, allocated)[first:].argmin())


def _first_index(tree: Tree) -> int:
    about = tree.nodes.get(_LUMA[0][0] + _DESCRIPTOR)
    return int.from_bytes(about.value[2:4], "little") if about and len(about.value) >= 6 else 0


def _greys(tree: Tree, allocated: int) -> Samples:
    """The grey value of every index; outside the table the nearest entry counts.

    Segmented tables are not unfolded: then an index is its own grey.
    """
    size = 1 << min(allocated, 16)
    first = _first_index(tree)
    grey = np.zeros(size, np.float32)
    for tag, weight in _LUMA:
        data, about = tree.nodes.get(tag), tree.nodes.get(tag + _DESCRIPTOR)
        if data is None or about is None or len(about.value) < 6:
            return (np.arange(size) * 255 // (size - 1)).astype(np.uint8)
        table = _table(data.value, about.value)
        grey += np.float32(weight) * table[np.clip(np.arange(size) - first, 0, len(table) - 1)]
    return np.clip(grey, 0, 255).astype(np.uint8)


def _table(data: bytes, about: bytes) -> Samples:
    """The entries of one colour, 0 to 255.

    :param about: its descriptor: how many entries, the first index, and bits of an entry.
    """
    count, bits = (int.from_bytes(about[place : place + 2], "little") for place in (0, 4))
    count = count or 1 << 16
    deep = len(data) >= 2 * count
    table = np.frombuffer(data[: count * (1 + deep)], "<u2" if deep else "u1").astype(np.float32)
    if not len(table):
        raise PixelTroubleError(NOT_FRAMES)
    if bits == 16 and table.max() > 255:
        table /= 257
    return table
