"""Each image's own gradient, from one pass over several images.

The pass keeps what goes into each layer and differentiates the loss by what comes out of it, once for all
images (Bu et al. 2023, "Differentially private optimization on large model at small cost", section 2.2, calls
it book-keeping). What a batch would add up for the weights is never computed. Rows for a few images at a time
are made from what was kept, so no more than a group of them is in memory.

Bu et al. go on without rows: norms from products of activations, then one weighted sum for all. That is not
done here. Such a norm is a difference of large numbers, and the weighted sum rounds every image's part
together with the others': see docs/adr/0094.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from privxray.errors import RefusedError
from privxray.learning.dp_sgd.layer_gradients import LAYERS, Passed, Rows, layer_rows


@dataclass(frozen=True)
class Images:
    """Images as the network sees them, all on its device.

    :param pixels: [B, 1, H, W] float32.
    :param labels: [B] class numbers.
    :param weights: [B] float32: what each image's loss is multiplied by.
    """

    pixels: torch.Tensor
    labels: torch.Tensor
    weights: torch.Tensor

    def to(self, device: torch.device) -> Images:
        """The same on this device."""
        return Images(self.pixels.to(device), self.labels.to(device), self.weights.to(device))


class ImageGradients:
    """The gradients of a network's parameters, image by image.

    The network's parameters no longer ask for gradients once this object is made.

    :param network: of which every parameter is in a layer of :data:`.LAYERS`; it must treat each image by
        itself (:func:`.require_separable`).
    :raises RefusedError: another layer has parameters.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network.requires_grad_(False)
        self._layers = [module for module in network.modules() if list(module.parameters(recurse=False))]
        for layer in self._layers:
            if type(layer) not in LAYERS or getattr(layer, "groups", 1) != 1:
                raise _untrainable(f"a {type(layer).__name__} with parameters")

    def rows(self, images: Images, group: int) -> Iterator[Rows]:
        """The rows of ``group`` images after ``group`` images, in the order of the network's parameters.

        :param group: a divisor of the number of images. Less memory is needed for small groups.
        :raises RefusedError: the network uses a layer twice, or not at all.
        """
        passed = self._pass(images)
        for at in range(0, len(images.labels), group):
            part = slice(at, at + group)
            yield [
                row
                for layer, seen in zip(self._layers, passed, strict=True)
                for row in layer_rows(layer, seen[part])
            ]

    def _pass(self, images: Images) -> list[Passed]:
        """Forward and backward once."""
        seen: dict[nn.Module, tuple[torch.Tensor, torch.Tensor]] = {}

        def keep(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
            if layer in seen:
                raise _untrainable("a layer that is used twice")
            # The first layer's output depends on nothing that is differentiated by. It is where that starts.
            output = output if output.requires_grad else output.requires_grad_()
            seen[layer] = (inputs[0].detach(), output)
            return output

        with ExitStack() as stack:
            stack.enter_context(repeatable())
            for layer in self._layers:
                stack.callback(layer.register_forward_hook(keep).remove)
            logits = self._network(images.pixels)
            if len(seen) < len(self._layers):
                raise _untrainable("a layer that is not used")
            loss = (images.weights * cross_entropy(logits, images.labels, reduction="none")).sum()
            slopes = torch.autograd.grad(loss, [seen[layer][1] for layer in self._layers])
        return [Passed(seen[layer][0], slope) for layer, slope in zip(self._layers, slopes, strict=True)]


@contextmanager
def repeatable() -> Iterator[None]:
    """On a GPU: convolutions and products in full float32, by methods that give the same bits each time.

    TF32 would keep 10 bits only. cuDNN's benchmark mode chooses a method by the clock.
    """
    # cuBLAS reads it when it is first used: with one workspace its products are repeatable.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_float32_matmul_precision("highest")
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield


def _untrainable(what: str) -> RefusedError:
    return RefusedError(
        f"this network can't be trained with privacy per patient: it has {what}",
        reason="network.layer-refused",
        advice="Use convolutions without groups, linear layers and group normalisation, each of them once",
    )
