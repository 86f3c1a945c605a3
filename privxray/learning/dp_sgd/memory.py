"""How much fits into memory, and what is said when it runs out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from privxray.errors import SystemTroubleError

_MEMINFO = Path("/proc/meminfo")
_MOST_BYTES = {"cpu": 1 << 30, "cuda": 1 << 40}  # more images at once would not be faster on a CPU
_MOST_IMAGES = {"cpu": 64, "cuda": 512}
_GROUP_NUMBERS = 1 << 20  # of rows on a CPU: those of a large network are made and used one by one
_FEW_IMAGES = 8  # with such a network


@dataclass(frozen=True)
class Portion:
    """How much a pass works on.

    :param images: B, a power of two: how many images the network sees at once.
    :param group: a power of two, at most B: of how many of them there are rows at a time.
    """

    images: int
    group: int

    def halved(self) -> Portion:
        """Half of it. :raises SystemTroubleError: it is one image already."""
        if self.images == 1:
            raise too_little_memory("one image of this network")
        return Portion(self.images // 2, min(self.group, self.images // 2))


def portion(network: nn.Module, shape: tuple[int, int, int]) -> Portion:
    """How much a pass should work on: what half of the free memory holds, and no more than is of use.

    It does not depend on the patients.

    :param network: on its device. :param shape: channels, height and width of what it sees of an image.
    """
    device = next(network.parameters()).device
    width = sum(p.numel() for p in network.parameters())
    on_gpu = device.type == "cuda"
    group = _MOST_IMAGES["cuda"] if on_gpu else _power_of_two(_GROUP_NUMBERS // width)
    most = _FEW_IMAGES if group == 1 else _MOST_IMAGES[device.type]
    # What was computed is held, its derivative too, and torch's own copies; then rows with room to work in.
    each = 3 * _bytes_computed(network, shape) + (12 * width if on_gpu else 0)
    images = min(most, _power_of_two(min(free_bytes(device) // 2, _MOST_BYTES[device.type]) // each))
    return Portion(images, min(group, images))


def free_bytes(device: torch.device) -> int:
    """The free memory of a device; a guess where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if _MEMINFO.exists():
        for line in _MEMINFO.read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return 2 << 30


@contextmanager
def memory_explained(what: str) -> Iterator[None]:
    """If memory runs out in the block, where nothing smaller can be tried, tell it in one line.

    :raises SystemTroubleError: it did.
    """
    try:
        yield
    except RuntimeError as error:
        if out_of_memory(error):
            raise too_little_memory(what) from None
        raise


def too_little_memory(what: str) -> SystemTroubleError:
    """The error to raise when even ``what`` does not fit."""
    return SystemTroubleError(
        f"there is too little memory for {what}",
        reason="system.memory",
        advice="Close other programs, or use a machine with more memory, then type the same command again; "
        "the training goes on, and no privacy is spent twice",
    )


def out_of_memory(error: RuntimeError) -> bool:
    """Whether this error of torch says that memory ran out."""
    # The CPU's allocator has no exception of its own.
    return isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error)


def forget_memory(device: torch.device) -> None:
    """Give back what torch keeps of a GPU's memory after it ran out."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _power_of_two(most: int) -> int:
    """The largest power of two that is at most ``most``, and at least 1."""
    return 1 << max(0, most.bit_length() - 1)


def _bytes_computed(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """How many bytes the layers of a network compute from one image, found without computing them."""
    numbers = [0]

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        if not list(module.children()):
            numbers.append(output.numel())

    handles = [module.register_forward_hook(count) for module in network.modules()]
    try:
        meta = {name: torch.empty_like(p, device="meta") for name, p in network.named_parameters()}
        image = torch.empty((1, *shape), device="meta")
        with torch.no_grad():
            torch.func.functional_call(network, meta, (image,))
    finally:
        for handle in handles:
            handle.remove()
    return 4 * max(1, sum(numbers))
