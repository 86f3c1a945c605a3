"""A graph of somebody else in a child process: it is started, asked for one row at a time, and ended.

:mod:`privxray.imaging.extractors.graph_child` is the other end. What comes back is not trusted: the report is
compared with its form, and a row is numbers of a length that is known before.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from privxray.formats.extractor_file import MAX_DIM, MAX_OUTPUTS, Pool
from privxray.formats.header import Strict
from privxray.imaging.extractors.graph_child import LENGTH, ROW
from privxray.system import child

START_SECONDS: Final = 300
"""To read the file, load it, and run it once; a gigabyte takes some ten seconds."""
IMAGE_SECONDS: Final = 60
"""For one image; the largest networks that fit take a few seconds on one processor."""

_MODULE: Final = "privxray.imaging.extractors.graph_child"
_MAX_REPORT: Final = 1 << 20


class GraphRefusedError(Exception):
    """The child refused the graph.

    :param reason: of :class:`privxray.imaging.extractors.graph_rules.RefusedGraphError`.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


class GraphDiedError(Exception):
    """The child ended, took too long, or said what it can't say."""


class ReadOutput(Strict):
    """One output of a graph as it was found: ``size`` numbers, pooled from ``shape``."""

    name: str
    pool: Pool
    shape: list[int]
    size: int


class Report(Strict):
    """What a graph is, as the child found it. ``input`` is its height and width."""

    input: tuple[int, int]
    channels: int
    floats: bool
    outputs: list[ReadOutput]
    operators: dict[str, int]


@dataclass(frozen=True)
class Feeding:
    """What is read of a graph, and how pixels go in: p * scale + offset. No layers: the graph's outputs."""

    layers: Sequence[str]
    scale: float
    offset: float


class GraphProcess:
    """A graph in its process. It is a context manager; at its end the process is gone.

    :ivar report: what it is.
    :param data: the file.
    :raises GraphRefusedError: it is not run.
    :raises GraphDiedError: its process ended, or took too long.
    """

    def __init__(self, data: bytes, feeding: Feeding) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=child.environment(),
        )
        try:
            self.report = self._started(data, feeding)
        except BaseException:
            self.end()
            raise

    def __enter__(self) -> GraphProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """End the process."""
        self._child.kill()
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._child.wait()

    def row(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32] | None:
        """The numbers of one image, the outputs side by side; None where the graph gives none for it.

        :param pixels: uint8 [height, width] of the report.
        :raises GraphDiedError: the process ended, or took too long.
        """
        size = sum(output.size for output in self.report.outputs)
        answer = self._ask(np.ascontiguousarray(pixels).tobytes(), 1, IMAGE_SECONDS)
        if answer != ROW:
            return None
        return np.frombuffer(self._read(4 * size, IMAGE_SECONDS), "<f4").astype(np.float32)

    def _started(self, data: bytes, feeding: Feeding) -> Report:
        order = {
            "length": len(data),
            "layers": list(feeding.layers),
            "scale": feeding.scale,
            "offset": feeding.offset,
        }
        said = json.dumps(order).encode()
        length = LENGTH.unpack(self._ask(LENGTH.pack(len(said)) + said + data, LENGTH.size, START_SECONDS))[0]
        if length > _MAX_REPORT:
            raise GraphDiedError
        try:
            told = json.loads(self._read(length, START_SECONDS))
            if isinstance(told, dict) and "refused" in told:
                raise GraphRefusedError(str(told["refused"]), str(told.get("detail", "")))
            return _sound(Report.model_validate_json(json.dumps(told)))
        except (ValueError, ValidationError):
            raise GraphDiedError from None

    def _ask(self, data: bytes, length: int, seconds: int) -> bytes:
        """Send bytes, and read so many back."""
        stream = self._child.stdin
        assert stream is not None
        watch = threading.Timer(seconds, self._child.kill)
        watch.start()
        try:
            stream.write(data)
            stream.flush()
            return self._taken(length)
        except OSError:
            raise GraphDiedError from None
        finally:
            watch.cancel()

    def _read(self, length: int, seconds: int) -> bytes:
        watch = threading.Timer(seconds, self._child.kill)
        watch.start()
        try:
            return self._taken(length)
        finally:
            watch.cancel()

    def _taken(self, length: int) -> bytes:
        assert self._child.stdout is not None
        data = self._child.stdout.read(length)
        if len(data) != length:
            raise GraphDiedError
        return data


def _sound(report: Report) -> Report:
    """:raises GraphDiedError: a report that no graph has."""
    sizes = [output.size for output in report.outputs]
    if not 1 <= len(sizes) <= MAX_OUTPUTS or min(sizes) < 1 or sum(sizes) > MAX_DIM:
        raise GraphRefusedError("output-size", str(sum(sizes)))
    return report
