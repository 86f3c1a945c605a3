"""Bits of a sample's cell that do not belong to the sample (PS3.5 8.1.1); old overlays lie there (8.1.2)."""

from __future__ import annotations

import numpy as np

from privxray.deid import tags
from privxray.deid.dicomfile.data_set_tree import Tree
from privxray.deid.pixels.layout import DTYPES, Layout

_ANY_OVERLAY_GROUP = 0xFF00FFFF
_ODD_GROUP = 0x00010000


def has_embedded_overlay(tree: Tree) -> bool:
    """Whether an overlay says that it lives in bits of the pixel data."""
    return any(
        tag & _ANY_OVERLAY_GROUP == tags.OVERLAY_BIT_POSITION & _ANY_OVERLAY_GROUP
        and not tag & _ODD_GROUP
        and tree.number(tag)
        for tag in tree.nodes
    )


def without_unused_bits(tree: Tree, layout: Layout, data: bytes) -> bytes:
    """Native pixel data of grey samples, with the unused bits of each sample zeroed.

    Those of a negative number become ones (two's complement). The same bytes come back where there is nothing
    to change.
    """
    high = (tree.number(tags.HIGH_BIT) or layout.allocated - 1) + 1
    low = high - (tree.number(tags.BITS_STORED) or high)
    used = (1 << high) - (1 << low)
    if used == (1 << layout.allocated) - 1 or low < 0 or len(data) % (layout.allocated // 8):
        return data
    raw = np.frombuffer(data, DTYPES[layout.allocated])
    samples = raw & used
    if np.array_equal(raw, samples):
        return data
    if layout.signed:
        negative = samples & (1 << high - 1) != 0
        samples = np.where(negative, samples | (1 << layout.allocated) - (1 << high), samples)
    return samples.astype(DTYPES[layout.allocated]).tobytes()
