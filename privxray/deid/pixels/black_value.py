"""Which stored value displays as black, and does not disturb how viewers show the rest of the image."""

from __future__ import annotations

import numpy as np

from privxray.deid import tags
from privxray.deid.dicomfile.data_set_tree import Tree
from privxray.deid.pixels import palette
from privxray.deid.pixels.layout import Layout, Samples


def black_value(tree: Tree, layout: Layout, frame: Samples) -> Samples:
    """The samples, one or three, of a black pixel in a frame.

    Colour: 0, with the neutral colour in the middle of the range for YBR. Palette: the darkest index. Grey:
    the dark end of the range; MONOCHROME1 and a negative slope each turn the range round. 8-bit images take
    the very end of the range. Deeper ones take the darkest value of the frame, or the padding value or the
    dark end of the first window where these are darker: many viewers stretch from the smallest value to the
    largest, and one far value would wash out the rest.

    :raises PixelTroubleError: the palette is empty.
    """
    if layout.samples == 3:
        neutral = 1 << (tree.number(tags.BITS_STORED) or layout.allocated) - 1
        is_ybr = tree.text(tags.PHOTOMETRIC_INTERPRETATION).startswith("YBR_")
        return np.array([0, neutral, neutral] if is_ybr else [0, 0, 0], frame.dtype)
    if palette.is_palette(tree):
        return np.array([palette.darkest(tree, layout.allocated)], frame.dtype)
    return np.array([_black_grey(tree, layout, frame)], frame.dtype)


def _black_grey(tree: Tree, layout: Layout, frame: Samples) -> int:
    is_inverted = tree.text(tags.PHOTOMETRIC_INTERPRETATION) == "MONOCHROME1"
    bright_is_small = is_inverted != (_real(tree, tags.RESCALE_SLOPE, 1.0) < 0)
    low, high = _range(tree, layout)
    is_shallow = (tree.number(tags.BITS_STORED) or layout.allocated) <= 8
    if is_shallow or any(tag in tree.nodes for tag in (tags.MODALITY_LUT_SEQUENCE, tags.VOI_LUT_SEQUENCE)):
        candidates = [high if bright_is_small else low]
    else:
        stored = frame.astype(np.int64)
        candidates = [int(stored.max() if bright_is_small else stored.min())]
    candidates += _padding(tree, layout)
    candidates += _window_end(tree, bright_is_small=bright_is_small)
    darkest = max(candidates) if bright_is_small else min(candidates)
    return min(max(darkest, low), high)


def _range(tree: Tree, layout: Layout) -> tuple[int, int]:
    """The smallest and the largest value that the stored bits can hold."""
    stored, high_bit = tree.number(tags.BITS_STORED) or layout.allocated, tree.number(tags.HIGH_BIT)
    bits = stored if high_bit is None else max(high_bit + 1, stored)
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if layout.signed else (0, (1 << bits) - 1)


def _padding(tree: Tree, layout: Layout) -> list[int]:
    """The padding value (PS3.3 C.7.5.1.1.2), if there is one."""
    node = tree.nodes.get(tags.PIXEL_PADDING_VALUE)
    if node is None or len(node.value) < 2:
        return []
    return [int.from_bytes(node.value[:2], "little", signed=layout.signed)]


def _window_end(tree: Tree, *, bright_is_small: bool) -> list[int]:
    """The stored value at the dark end of the first window (PS3.3 C.11.2.1.2), if there is one."""
    width, slope = _real(tree, tags.WINDOW_WIDTH, 0.0), _real(tree, tags.RESCALE_SLOPE, 1.0)
    if width < 1 or not slope or tags.WINDOW_CENTER not in tree.nodes:
        return []
    # In rescaled values the dark end of a window is its lower one, and for MONOCHROME1 its upper one.
    towards = 1 if bright_is_small == (slope > 0) else -1
    centre = _real(tree, tags.WINDOW_CENTER, 0.0)
    end = (centre + towards * width / 2 - _real(tree, tags.RESCALE_INTERCEPT, 0.0)) / slope
    return [int(np.ceil(end) if bright_is_small else np.floor(end))] if np.isfinite(end) else []


def _real(tree: Tree, tag: int, default: float) -> float:
    """The first value of a DS element."""
    try:
        return float(tree.text(tag).split("\\")[0])
    except ValueError:
        return default
