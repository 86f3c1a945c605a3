"""The maps that a row of built-in features is made of: for a picture of where a class was seen.

A row of ``MAPS`` is the means over regions of some blocks' maps, each at length 1. So a linear function of
the row is a sum over the places of the maps (:mod:`privxray.learning.linear_probe.evidence`).

Tested in tests/unit/test_evidence.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from privxray.imaging.extractors.pinned_files import SIZE, pinned_graph

if TYPE_CHECKING:
    import torch

Images = npt.NDArray[np.uint8]
Maps = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BLOCK_8, BLOCK_13 = "n53", "n94"
"""What the packaged graph calls the maps of these blocks; its digest is pinned, so the names stay."""

_GRAPH, _OUTPUT, _NAME = 7, 12, 1
"""Fields of onnx.proto: the graph of a model, an output of a graph, and its name."""


@dataclass(frozen=True)
class RegionMaps:
    """A part of a row of features: its maps, and the region that their means are taken over.

    :ivar maps: [C, h, w]. :ivar inside: [h, w].
    """

    maps: Maps
    inside: Mask

    def means(self) -> npt.NDArray[np.float64]:
        """[C] the means over the region."""
        return np.asarray(self.maps[:, self.inside].mean(axis=1))


def maps_parts(images: Images) -> list[list[RegionMaps]]:
    """For each image the three parts of a row of ``MAPS`` (:mod:`privxray.imaging.features`), in their order.

    :param images: uint8 ``[B, 260, 260]``.
    :raises MalformedError: the graph or the weights file is not the pinned one.
    :raises SystemTroubleError: it is absent or can't be read.
    """
    try:
        pairs = _by_onnxruntime(images)
    except ImportError:
        pairs = _by_torch(images)
    return [_parts(early, late) for early, late in pairs]


def pooled_parts(images: Images) -> list[list[RegionMaps]]:
    """For each image the one part of a row of ``POOLED``: the network's last map; errors as above."""
    return [[RegionMaps(last, np.ones(last.shape[1:], bool))] for last in _by_torch_whole(images)]


def _parts(early: Maps, late: Maps) -> list[RegionMaps]:
    """As :class:`privxray.imaging.extractors.efficientnet_lite.MapMeans` reads them."""
    side = early.shape[1]
    third = side // 3
    centre, sides = np.zeros((side, side), bool), np.zeros((side, side), bool)
    centre[third:-third, third:-third] = True
    sides[:, :third] = sides[:, -third:] = True
    return [
        RegionMaps(early, centre),
        RegionMaps(early, sides),
        RegionMaps(late, np.ones(late.shape[1:], bool)),
    ]


def _by_onnxruntime(images: Images) -> list[tuple[Maps, Maps]]:
    from privxray.imaging.extractors.onnx_session import open_session

    session = open_session(pinned_graph() + _further_outputs(BLOCK_8, BLOCK_13))
    pairs = []
    for place in range(len(images)):
        early, late = session.run([BLOCK_8, BLOCK_13], {"image": images[place : place + 1]})
        pairs.append((early[0].astype(np.float64), late[0].astype(np.float64)))
    return pairs


def _further_outputs(*names: str) -> bytes:
    """What makes a serialised model give further tensors, if it stands behind it.

    Protocol buffers that stand behind one another are merged: lists are joined, messages merged in turn.
    """
    outputs = b"".join(_field(_OUTPUT, _field(_NAME, name.encode())) for name in names)
    return _field(_GRAPH, outputs)


def _field(number: int, data: bytes) -> bytes:
    """A field of bytes, at most 127 of them, as protocol buffers encode it."""
    return bytes([number << 3 | 2, len(data)]) + data


def _by_torch(images: Images) -> list[tuple[Maps, Maps]]:
    import torch

    from privxray.imaging.extractors.torch_engine import maps_network

    network, pairs = maps_network(), []
    with torch.inference_mode():
        for image in images:
            early = network.stretches[0](_input(image))
            late = network.stretches[1](early.clone())  # its first block adds to what it is given
            pairs.append((_numbers(early), _numbers(late)))
    return pairs


def _by_torch_whole(images: Images) -> list[Maps]:
    import torch

    from privxray.imaging.extractors.torch_engine import pooled_network

    layers = torch.nn.Sequential(
        *list(pooled_network().children())[:-2]
    )  # less the pooling and the flattening
    with torch.inference_mode():
        return [_numbers(layers(_input(image))) for image in images]


def _input(image: npt.NDArray[np.uint8]) -> torch.Tensor:
    import torch

    grey = torch.from_numpy(image.astype(np.float32)).reshape(1, 1, SIZE, SIZE)
    return ((grey - 127) / 128).expand(-1, 3, -1, -1).contiguous()


def _numbers(maps: torch.Tensor) -> Maps:
    return np.asarray(maps[0].numpy(), np.float64)
