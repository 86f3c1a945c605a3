"""Whether this device computes a patient's gradient without regard to who else is in the pass. It is tried.

A network that treats each image by itself (:mod:`privxray.learning.dp_sgd.separable`) does so in exact
arithmetic. Floating point rounds, and a kernel may round by the size of a batch, or by an image's place in
it; then a patient who is added or removed changes the last bits of others, and where a maximum sits on the
edge, more than that. So the network always sees a batch of one size, which blank images fill up. That a row
depends neither on its place nor on its neighbours is tried on the device at hand, in the sizes at hand,
before any patient's image is used: with one made-up image alone, in all places at once, and among others of
every kind, not-a-number included. The rows must agree bit for bit. Where they do not, half as many images are
tried. One image alone has neither neighbours nor places.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from privxray.errors import RefusedError
from privxray.learning.constants import DpSgdConstants
from privxray.learning.dp_sgd.image_gradients import ImageGradients, Images
from privxray.learning.dp_sgd.layer_gradients import Rows
from privxray.learning.dp_sgd.memory import Portion, forget_memory, out_of_memory
from privxray.learning.dp_sgd.network_inputs import Shape, inputs_of
from privxray.learning.dp_sgd.networks import initial_weights, network
from privxray.learning.interface import Task

BLANK, NOT_A_NUMBER, VERY_LONG = -1, -2, -3
"""What may be in a place of a batch that is tried, beside images: a blank one that does not count, one whose
gradient is not a number, and one whose gradient is as long as can be."""


def largest_independent(model: nn.Module, task: Task[DpSgdConstants], portion: Portion) -> Portion:
    """The portion, or the first of its halves, in which the rows of an image don't depend on other images.

    The answer is remembered as long as the process lives: it depends on shapes and on the device alone.

    :param model: on its device. Its shapes count, and not its weights: those of a plan may be extreme.
    :raises RefusedError: the same image alone does not give the same row twice.
    :raises SystemTroubleError: there is too little memory for one image.
    """
    tried = Tried(
        name=task.constants.network,
        classes=len(task.classes),
        shape=inputs_of(task.constants).shape,
        device=next(model.parameters()).device,
        threads=torch.get_num_threads(),
    )
    if (tried, portion) not in _FOUND:
        _FOUND[tried, portion] = _search(tried, portion)
    return _FOUND[tried, portion]


@dataclass(frozen=True)
class Tried:
    """What the answer depends on."""

    name: str
    classes: int
    shape: Shape
    device: torch.device
    threads: int


_FOUND: dict[tuple[Tried, Portion], Portion] = {}


def _search(tried: Tried, portion: Portion) -> Portion:
    made_of = network(tried.name, initial_weights(tried.name, tried.classes), tried.classes)
    gradients = ImageGradients(without_zero_layers(made_of).to(tried.device))
    while True:
        try:
            if _independent(gradients, tried, portion):
                return portion
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            forget_memory(tried.device)
        else:
            if portion.images == 1:
                raise RefusedError(
                    "this device does not compute the same gradient twice",
                    reason="train.device-not-repeatable",
                    advice="Train on the CPU: type CUDA_VISIBLE_DEVICES= in front of the command",
                )
        portion = portion.halved()


def without_zero_layers(plain: nn.Module) -> nn.Module:
    """A copy in which no parameter is all zero: a last layer of zeros would hide what comes before it."""
    tried = copy.deepcopy(plain).requires_grad_(False)
    for parameter in tried.parameters():
        if not parameter.any():
            parameter.copy_(torch.linspace(-1.0, 1.0, parameter.numel()).view_as(parameter))
    return tried


def _independent(gradients: ImageGradients, tried: Tried, portion: Portion) -> bool:
    """Whether image 0 has one and the same row alone, in every place, and beside all kinds of others."""
    places = torch.arange(portion.images)
    alone = torch.where(places == 0, 0, BLANK)
    _, row = next(_rows_of(gradients, tried, alone, portion))
    row = [part.clone() for part in row]
    longest = torch.where(places % 4 == 1, VERY_LONG, places)
    nonsense = torch.where(places % 4 == 0, NOT_A_NUMBER, places)
    for which in (
        torch.zeros_like(places),
        torch.where(places % 2 == 0, 0, longest),
        torch.where(places % 2 == 1, 0, nonsense),
    ):
        for place, found in _rows_of(gradients, tried, which, portion):
            if which[place] == 0 and not all(map(torch.equal, found, row)):
                return False
    return True


def _rows_of(
    gradients: ImageGradients, tried: Tried, which: torch.Tensor, portion: Portion
) -> Iterator[tuple[int, Rows]]:
    """Place by place, the rows of a batch of made-up images.

    :param which: [B] what is in each place: image 0, 1, 2 .., or one of the kinds below 0.
    """
    pixels = made_up(which.clamp(min=0), tried.shape)
    pixels[which == BLANK] = 0.0
    weights = torch.ones(len(which))
    for kind, weight in ((BLANK, 0.0), (NOT_A_NUMBER, torch.nan), (VERY_LONG, 1e30)):
        weights[which == kind] = weight
    labels = which.clamp(min=0) % tried.classes
    images = Images(pixels, labels, weights).to(tried.device)
    for group, rows in enumerate(gradients.rows(images, portion.group)):
        for place in range(portion.group):
            yield group * portion.group + place, [row[place] for row in rows]


def made_up(which: torch.Tensor, shape: Shape) -> torch.Tensor:
    """[B, *shape] images that look like noise: the bits of a product with a large prime. Always the same."""
    length = math.prod(shape)
    numbers = torch.arange(length) + 7919 * shape[-1] * (which.unsqueeze(1) + 1)
    mixed = numbers * 2_654_435_761 % (1 << 32)
    mixed = (mixed ^ (mixed >> 15)) * 2_246_822_519 % (1 << 32) >> 24
    return ((mixed.float() - 127.0) / 128.0).view(-1, *shape)
