"""The built-in network on torch: what the ONNX graph is made from, and what runs where onnxruntime does not.

Tested in tests/unit/test_imaging_features.py.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from privxray.imaging.extractors.efficientnet_lite import GridMap, MapMeans, Region, build
from privxray.imaging.extractors.pinned_files import SIZE, pinned_weights

PARTS: Final[tuple[tuple[int, Region], ...]] = ((8, "centre"), (8, "sides"), (13, "whole"))
"""The maps that new plans of the linear probe read: block and region."""

GRID_BLOCK: Final = 13
"""The block whose map the trained part of dp-sgd's ``lite2-head`` sees: the last one of :data:`PARTS`."""

BATCH = 4
"""Images at a time: the fastest on two threads (measured), and small in memory."""

Images = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.float32]


def pooled_network() -> torch.nn.Module:
    """The whole network, to its 1,280 pooled features.

    :raises MalformedError: the weights file is not the pinned one.
    :raises SystemTroubleError: it is absent or can't be read.
    """
    return build(torch.load(io.BytesIO(pinned_weights()), map_location="cpu", weights_only=True))


def maps_network() -> MapMeans:
    """The network as far as :data:`PARTS`, to 296 numbers; errors as for :func:`pooled_network`."""
    return MapMeans(pooled_network(), PARTS)


def grid_network() -> GridMap:
    """The network as far as :data:`GRID_BLOCK`, to a grid; errors as for :func:`pooled_network`."""
    return GridMap(pooled_network(), GRID_BLOCK)


def rows_by(network: torch.nn.Module) -> Callable[[Images, Rows], Rows]:
    """What fills in the rows of images.

    Every batch is filled up to :data:`BATCH`: a convolution may round differently at another size, and a row
    would depend on how many other images there are.
    """

    def rows(pixels: Images, out: Rows) -> Rows:
        with torch.inference_mode():
            for start in range(0, len(pixels), BATCH):
                batch = pixels[start : start + BATCH]
                grey = torch.zeros((BATCH, 1, SIZE, SIZE))
                grey[: len(batch), 0] = torch.from_numpy(batch.astype(np.float32))
                maps = ((grey - 127) / 128).expand(-1, 3, -1, -1)
                made = network(maps.contiguous(memory_format=torch.channels_last))
                out[start : start + BATCH] = made.numpy()[: len(batch)]
        return out

    return rows
