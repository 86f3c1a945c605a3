"""A feature extractor out of a file that a group of hospitals brings along: described, and run.

**Why a row can't carry more than its own image.** The graph is chosen by the coordinator. It gets one image
a call, at a fixed shape, in a process that keeps nothing between calls (:mod:`.graph_rules` has what is
refused for that). So a row is a fixed function of one image, and the sensitivities of the linear probe, which
hold for rows of length 1 of whatever meaning, hold for it. The function may be as malicious as it likes.

It may also fail for chosen images: for one patient's, say, to learn from the hospital's silence that this
patient is there. So an image on which the graph fails has a row of zeros, which is as good a fixed function
as any other, and training goes on. Only the hospital's own screen tells how many there were.

**Memory, time and files** of the process are limited, and it is started anew when it dies.
"""

from __future__ import annotations

import hashlib
import importlib.util
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from privxray.errors import MalformedError, RefusedError, UsageError
from privxray.formats.extractor_file import MAX_SIDE, ExtractorFile, ExtractorOutput
from privxray.imaging.display.grey import shrink
from privxray.imaging.extractors.graph_child import first_image
from privxray.imaging.extractors.graph_process import Feeding, GraphDiedError, ReadOutput
from privxray.imaging.extractors.graph_refusals import EXPORT_AGAIN, started
from privxray.system.regular_files import open_regular

MAX_FILE: Final = 1 << 30
"""Bytes. A vision transformer of 86 million weights has 350 MB."""

RANGE: Final = (0.0, 1.0)
"""What black and white go in as, unless somebody says otherwise."""

TIMED: Final = 3


@dataclass(frozen=True)
class Reading:
    """How somebody wants a graph to be read.

    :ivar layers: names of tensors; by default the graph's outputs.
    :ivar pixels: what black and white go in as; by default 0 and 1, or 0 and 255 where the input is uint8.
    """

    layers: tuple[str, ...] = ()
    pixels: tuple[float, float] | None = None


@dataclass(frozen=True)
class Description:
    """What is in a file.

    :ivar terms: as a plan would name it.
    :ivar size: of the file, in bytes.
    :ivar outputs: the tensors that are read, with their shapes.
    :ivar operators: how often each operator occurs.
    :ivar milliseconds: an image, here.
    """

    terms: ExtractorFile
    size: int
    outputs: tuple[ReadOutput, ...]
    operators: dict[str, int]
    milliseconds: float


def read_file(path: Path) -> bytes:
    """The whole file.

    :raises MalformedError: it is too large.
    :raises OSError: it can't be read.
    """
    with open_regular(path) as stream:
        data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise MalformedError(
            "this file is larger than the 1 GiB that a feature extractor may have",
            reason="extractor.too-large",
            advice="Take a smaller network, or 16-bit weights",
        )
    return data


def describe(data: bytes, reading: Reading = Reading()) -> Description:
    """What is in a file, after its graph was checked and run on a public picture.

    :raises MalformedError: it is no graph that is run.
    :raises SystemTroubleError: its process ended, or took too long.
    :raises UsageError: the extra ``extractor`` is not installed, or what was typed does not fit the graph.
    """
    require_onnx()
    low, high = reading.pixels or RANGE
    with started(data, Feeding(reading.layers, (high - low) / 255, low)) as process:
        report = process.report
        picture = first_image(*report.input)
        clock = time.perf_counter()
        for _ in range(TIMED):
            process.row(picture)
        milliseconds = 1e3 * (time.perf_counter() - clock) / TIMED
    if not report.floats and reading.pixels is not None:
        raise UsageError(
            "this graph takes pixels as they are, from 0 to 255, so they can't be scaled",
            reason="extractor.scaled-integers",
            advice="Leave out --pixels",
        )
    scale, offset = ((high - low) / 255, low) if report.floats else (1.0, 0.0)
    try:
        terms = ExtractorFile.model_validate(
            {
                "sha256": hashlib.sha256(data).hexdigest(),
                "input": report.input,
                "channels": report.channels,
                "scale": scale,
                "offset": offset,
                "outputs": tuple(ExtractorOutput(name=o.name, pool=o.pool) for o in report.outputs),
                "dim": sum(output.size for output in report.outputs),
            }
        )
    except ValidationError:
        raise MalformedError(
            f"a plan can't name this: it takes square images of 16 to {MAX_SIDE} pixels a side, and layers "
            "with plain names",
            reason="extractor.out-of-range",
            advice=EXPORT_AGAIN,
        ) from None
    return Description(terms, len(data), tuple(report.outputs), report.operators, milliseconds)


class FileExtractor:
    """A file's graph as terms name it, from display-grey images to features. It is a context manager.

    :param path: of a file with the digest of the terms.
    :ivar failed: how many images have got a row of zeros since the start. For the hospital's own eyes.
    :raises MalformedError: the file was altered, or its graph is not run.
    :raises RefusedError: the graph is not what the terms say.
    :raises SystemTroubleError: its process ended, or took too long.
    :raises UsageError: the extra ``extractor`` is not installed.
    """

    def __init__(self, path: Path, terms: ExtractorFile) -> None:
        require_onnx()
        self.failed = 0
        self._terms = terms
        self._data = read_file(path)
        if hashlib.sha256(self._data).hexdigest() != terms.sha256:
            raise MalformedError(
                "this file was altered since it was added",
                reason="extractor.altered",
                file=path.name,
                advice="Delete it, then add it again: privxray extractor add FILE.onnx",
            )
        layers = [output.name for output in terms.outputs]
        self._feeding = Feeding(layers, terms.scale, terms.offset)
        self._process = started(self._data, self._feeding)
        self._sizes = [output.size for output in self._process.report.outputs]
        if not self._is_as_named():
            self._process.end()
            raise RefusedError(
                "the file with this digest is not read as the plan says: its input or outputs are others",
                reason="extractor.other-form",
                advice="Ask the coordinator for a plan made with this version of privxray",
            )

    def __enter__(self) -> FileExtractor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.end()

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Features ``[B, dim]``, float32 and finite, of length 1 or zero.

        :param pixels: images, uint8 ``[B, side, side]``, of any side: they are resized to the input's.
        """
        rows = np.zeros((len(pixels), self._terms.dim), np.float32)
        for place, image in enumerate(pixels):
            row = self._row(image)
            if row is None or not np.isfinite(row).all() or not row.any():
                self.failed += 1
            else:
                rows[place] = combined(row, self._sizes)
        return rows

    def _row(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32] | None:
        try:
            return self._process.row(shrink(image, self._terms.input[0]))
        except GraphDiedError:
            self._process.end()
            self._process = started(self._data, self._feeding)
            return None

    def _is_as_named(self) -> bool:
        report, terms = self._process.report, self._terms
        pools = [(output.name, output.pool) for output in report.outputs]
        return (
            (report.input, report.channels) == (terms.input, terms.channels)
            and pools == [(output.name, output.pool) for output in terms.outputs]
            and sum(self._sizes) == terms.dim
        )


def combined(row: npt.NDArray[np.float32], sizes: Sequence[int]) -> npt.NDArray[np.float32]:
    """Each output over its norm, side by side, and the whole over its norm. A part of zeros stays zero.

    :param row: finite, and not zero as a whole.
    """
    parts = np.split(row.astype(np.float64), np.cumsum(sizes)[:-1])
    lengths = [float(np.linalg.norm(part)) for part in parts]
    whole = np.concatenate([p / length if length else p for p, length in zip(parts, lengths, strict=True)])
    return np.asarray(whole / np.linalg.norm(whole), np.float32)


def require_onnx() -> None:
    """:raises UsageError: the extra ``extractor`` is not installed."""
    for package in ("onnx", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise UsageError(
                f"feature extractors out of files need the package {package}, and it is not installed",
                reason="extractor.not-installed",
                advice="Install it: pip install 'privxray[extractor]'",
            )
