"""How a plan says that the numbers of one tensor bound those of others (docs/SPEC-2.md, section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from privxray.formats.header import Strict
from privxray.formats.tensors import MAX_TENSORS, TensorSpec

TensorName = Annotated[str, Field(pattern=TensorSpec.model_fields["name"].metadata[0].pattern)]


class SharedTensor(Strict):
    """A tensor whose numbers are at most ``times`` the total in magnitude, but for rounding."""

    tensor: TensorName
    times: Annotated[int, Field(ge=1, le=64)]


class StatedBounds(Strict):
    """``total`` is a tensor without negative numbers; what they add up to bounds the ``shared`` ones."""

    total: TensorName
    shared: Annotated[tuple[SharedTensor, ...], Field(strict=False, max_length=MAX_TENSORS)] = ()

    @property
    def times(self) -> Mapping[str, int]:
        """By name of a shared tensor, its factor."""
        return {one.tensor: one.times for one in self.shared}
