"""A feature extractor that a group of hospitals brings along, as plans, models and offers name it.

The file itself, an ONNX graph, is in none of them: it is named by its digest, with how an image is fed to it
and what is read of it (docs/SPEC-2.md, section 11).
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, field_validator

from privxray.errors import MalformedError
from privxray.formats.canonical import encode
from privxray.formats.header import Digest, Strict

MAX_OUTPUTS = 16
MAX_SIDE = 1024
MAX_DIM = 65_536

Side = Annotated[int, Field(ge=16, le=MAX_SIDE)]
Level = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
TensorName = Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]
Pool = Literal["none", "mean"]


class ExtractorOutput(Strict):
    """One tensor of the graph that is read.

    ``pool`` is ``none`` for a vector, and ``mean`` for the mean over the map's places: the last two axes of
    [1, C, H, W], or the middle one of [1, T, C].
    """

    name: TensorName
    pool: Pool


class ExtractorFile(Strict):
    """What is computed by which graph: two parties with the same one get the same features.

    A pixel p from 0 to 255 goes in as ``p * scale + offset``, the same in each of the ``channels``. The
    features are the outputs in their order, each divided by its norm, concatenated, and divided by the norm
    again: ``dim`` numbers. ``sha256`` is that of the file.
    """

    sha256: Digest
    input: Annotated[tuple[Side, Side], Field(strict=False)]
    channels: Literal[1, 3]
    scale: Level
    offset: Level
    outputs: Annotated[tuple[ExtractorOutput, ...], Field(strict=False, min_length=1, max_length=MAX_OUTPUTS)]
    dim: Annotated[int, Field(ge=1, le=MAX_DIM)]

    @field_validator("input")
    @classmethod
    def _is_square(cls, sides: tuple[int, int]) -> tuple[int, int]:
        if sides[0] != sides[1]:
            raise ValueError("images are square")
        return sides

    @property
    def key(self) -> str:
        """What kept features are kept under: all that they depend on."""
        return "file:" + encode(self.model_dump(mode="json")).decode()

    @property
    def name(self) -> str:
        """What stands in a header's field ``extractor`` beside it."""
        return f"file:{self.sha256}"

    @property
    def label(self) -> str:
        """How people are told of it."""
        black, white = self.offset, 255 * self.scale + self.offset
        read = ", ".join(f"{o.name} ({'means' if o.pool == 'mean' else 'as it is'})" for o in self.outputs)
        return (
            f"the file with SHA-256 {self.sha256}: images of {self.channels} x {self.input[0]} x "
            f"{self.input[1]}, black {black:g} and white {white:g}; {self.dim} numbers from {read}"
        )


NamedExtractor: TypeAlias = str | ExtractorFile | None
"""What computes features: a built-in extractor, one out of a file, or none where pixels go in."""


def named_extractor(extractor: str | None, file: ExtractorFile | None) -> NamedExtractor:
    """The extractor that a header's fields ``extractor`` and ``extractor_file`` name together.

    :raises MalformedError: they contradict each other.
    """
    if (file.name if file else None) != (extractor if (extractor or "").startswith("file:") else None):
        raise MalformedError(
            "the header names one feature extractor by name and another one by file",
            reason="extractor.named-twice",
            advice="Ask its sender for the file again",
        )
    return file or extractor
