"""A graph that somebody else made, run in a process of its own: the child's end of ``graph_process``.

stdin brings one order (a length, JSON, the file) and then images, one at a time, as raw pixels. stdout gives
one report (a length, JSON) and then for each image a byte, 1 for a row and 0 for none, and the row as
float32. So whatever the file does to the parser or to the runtime, it does in a process that has a fixed
amount of memory, writes no file, and has seen one image of no name.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from collections.abc import Sequence
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from privxray.imaging.extractors import graph_rules
from privxray.imaging.extractors.graph_rules import Cut, RefusedGraphError
from privxray.imaging.extractors.onnx_session import has_gpu, open_session
from privxray.system.limits import Limits, limit_this_process

MEMORY: Final = 8 << 30
"""Bytes of address space, for file, weights and maps together. CUDA reserves far more than it uses, so with a
GPU there is no such limit."""
OPEN_FILES: Final = 64
_UNLIMITED: Final = 1 << 60

LENGTH: Final = struct.Struct("<I")
ROW, NO_ROW = b"\x01", b"\x00"


class Runner:
    """A graph that is ready for images.

    :param graph: of :func:`privxray.imaging.extractors.graph_rules.cut`.
    :param scale: a pixel p from 0 to 255 goes in as p * scale + offset.
    """

    def __init__(self, graph: Cut, scale: float, offset: float) -> None:
        self._graph = graph
        self._scale, self._offset = np.float32(scale), np.float32(offset)
        try:
            self._session = open_session(graph.data, gpu=has_gpu())
        except Exception:  # noqa: BLE001 - the runtime's errors quote the file
            raise RefusedGraphError("not-loaded") from None

    def maps(self, pixels: npt.NDArray[np.uint8]) -> list[npt.NDArray[Any]]:
        """The chosen outputs for one image of the input's height and width."""
        _, channels, height, width = self._graph.shape
        grey = np.broadcast_to(pixels.reshape(1, 1, height, width), (1, channels, height, width))
        fed = grey * self._scale + self._offset if self._graph.floats else grey
        made: list[npt.NDArray[Any]] = self._session.run(
            list(self._graph.outputs), {self._graph.input: np.ascontiguousarray(fed)}
        )
        return made


def pooled(name: str, made: npt.NDArray[Any]) -> tuple[str, npt.NDArray[np.float32]]:
    """How one output is read, and its numbers; see :class:`privxray.formats.extractor_file.ExtractorOutput`.

    :raises RefusedGraphError: it is neither a vector nor a map of one image, or holds no floats.
    """
    if made.dtype not in (np.float32, np.float16) or not made.size or made.ndim > 4:
        raise RefusedGraphError("output-form", name)
    if made.ndim > 1 and made.shape[0] != 1:
        raise RefusedGraphError("output-form", name)
    exact = made.astype(np.float64)
    if made.ndim == 4:
        return "mean", exact.mean(axis=(2, 3))[0].astype(np.float32)
    if made.ndim == 3:
        return "mean", exact.mean(axis=1)[0].astype(np.float32)
    return "none", exact.reshape(-1).astype(np.float32)


def first_image(height: int, width: int) -> npt.NDArray[np.uint8]:
    """A public picture on which each graph is tried: rings and a ramp."""
    rows, columns = np.mgrid[0:height, 0:width]
    rings = np.sin(np.hypot(rows - height / 2, columns - width / 2) / 6) * 60
    return np.asarray(np.clip(rings + 40 + 150 * rows / height, 0, 255), np.uint8)


def _open(order: dict[str, Any], data: bytes) -> tuple[dict[str, Any], Runner, list[int]]:
    """The report on a graph, the graph, and how many numbers each output has.

    :raises RefusedGraphError: it is not run, or does not run.
    """
    graph = graph_rules.cut(data, order["layers"])
    runner = Runner(graph, order["scale"], order["offset"])
    _, channels, height, width = graph.shape
    try:
        made = runner.maps(first_image(height, width))
    except Exception:  # noqa: BLE001 - as above
        raise RefusedGraphError("not-run") from None
    read = [pooled(name, part) for name, part in zip(graph.outputs, made, strict=True)]
    if not all(np.isfinite(row).all() for _, row in read) or not any(row.any() for _, row in read):
        raise RefusedGraphError("impossible-numbers")
    report = {
        "input": [height, width],
        "channels": channels,
        "floats": graph.floats,
        "outputs": [
            {"name": name, "pool": pool, "shape": list(part.shape), "size": len(row)}
            for name, (pool, row), part in zip(graph.outputs, read, made, strict=True)
        ],
        "operators": graph.operators,
    }
    return report, runner, [len(row) for _, row in read]


def _row(runner: Runner, pixels: npt.NDArray[np.uint8], names: Sequence[str], sizes: list[int]) -> bytes:
    """The answer to one image. A graph whose outputs change their size with the image gives no row."""
    try:
        made = runner.maps(pixels)
        parts = [pooled(name, part)[1] for name, part in zip(names, made, strict=True)]
    except Exception:  # noqa: BLE001 - as above
        return NO_ROW
    if [len(part) for part in parts] != sizes:
        return NO_ROW
    return ROW + np.concatenate(parts).astype("<f4").tobytes()


def limits() -> Limits:
    """What the process may take."""
    return Limits(_UNLIMITED if has_gpu() else MEMORY, file_bytes=0, open_files=OPEN_FILES)


def _tell(target: IO[bytes], report: dict[str, Any]) -> None:
    said = json.dumps(report).encode()
    target.write(LENGTH.pack(len(said)) + said)
    target.flush()


def _work(source: IO[bytes], target: IO[bytes]) -> None:
    order = json.loads(source.read(LENGTH.unpack(source.read(LENGTH.size))[0]))
    data = source.read(order["length"])
    try:
        report, runner, sizes = _open(order, data)
    except RefusedGraphError as refused:
        _tell(target, {"refused": refused.reason, "detail": refused.detail})
        return
    del data
    _tell(target, report)
    height, width = report["input"]
    names = [output["name"] for output in report["outputs"]]
    while len(pixels := source.read(height * width)) == height * width:
        target.write(_row(runner, np.frombuffer(pixels, np.uint8).reshape(height, width), names, sizes))
        target.flush()


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when its stdin ends
    limit_this_process(limits())
    try:
        _work(sys.stdin.buffer, sys.stdout.buffer)
    except MemoryError:
        os._exit(1)


if __name__ == "__main__":
    _main()
