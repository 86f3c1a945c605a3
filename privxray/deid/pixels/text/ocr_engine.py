"""The networks: PP-OCRv6's text detector and reader (small), run by onnxruntime.

The weights lie in the wheel of ``rapidocr`` (Apache-2.0) and are pinned by SHA-256; nothing is downloaded.
Only the package's files are used, not its code. That code logs to stderr, downloads what it misses, and sets
neither threads nor spinning as a workstation needs them. What replaces it here is short.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from privxray.deid.pixels.text.contrast import Picture
from privxray.deid.pixels.text.reading import Reading
from privxray.deid.pixels.text.tiles import STEP
from privxray.errors import MalformedError, SystemTroubleError, UsageError

if TYPE_CHECKING:
    import onnxruntime

PACKAGE = "rapidocr"
DETECTOR = (
    "PP-OCRv6_det_small.onnx",
    "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
)
READER = (
    "PP-OCRv6_rec_small.onnx",
    "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
)

LINE = 48
"""Height in pixels at which a line is read."""

_LEAST_WIDTH = 320
_MOST_WIDTH = LINE * 40
_BATCH = 6
_PLAIN = 0.9  # confidence from which a line surely lies the right way up
_INSTALL = "Install it: pip install privxray[ocr]"
_REINSTALL = "Install it again: pip install --force-reinstall rapidocr==3.10.0"


class Engine:
    """The networks, loaded.

    :param threads: CPU threads to compute with.
    :raises UsageError: the extra ``ocr`` is not installed.
    :raises SystemTroubleError: its weights can't be read.
    :raises MalformedError: they are not the pinned ones.
    """

    def __init__(self, threads: int = 2) -> None:
        folder = _folder()
        import onnxruntime

        onnxruntime.disable_telemetry_events()
        self._detector = _session(folder, DETECTOR, threads)
        self._reader = _session(folder, READER, threads)
        characters = self._reader.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._characters = ["", *characters, " "]

    def detect(self, picture: Picture) -> npt.NDArray[np.float32]:
        """How probably each pixel is text, float32 ``[rows, columns]`` from 0 to 1.

        :param picture: uint8 ``[rows, columns]``, or ``[rows, columns, 3]`` as red, green, blue.
        """
        rows, columns = picture.shape[:2]
        (out,) = self._detector.run(None, {"x": _batch([_padded(picture)])})
        probability: npt.NDArray[np.float32] = out[0, 0, :rows, :columns]
        return probability

    def read(self, lines: Sequence[Picture]) -> list[Reading]:
        """Text of pictures of one line each, whichever way up.

        What can't be read well is read upside down as well, and the better reading counts.

        :param lines: uint8 ``[rows, columns]`` or ``[rows, columns, 3]``, of any size.
        """
        pictures = [_line(line) for line in lines]
        readings = self._read(pictures)
        doubtful = [place for place, reading in enumerate(readings) if reading.confidence < _PLAIN]
        turned = [np.ascontiguousarray(pictures[place][::-1, ::-1]) for place in doubtful]
        for place, reading in zip(doubtful, self._read(turned), strict=True):
            readings[place] = max(readings[place], reading, key=lambda one: one.confidence)
        return readings

    def _read(self, pictures: Sequence[Picture]) -> list[Reading]:
        """Text of pictures that are :data:`LINE` pixels high and lie the right way up."""
        order = sorted(range(len(pictures)), key=lambda place: pictures[place].shape[1])
        readings = [Reading("", 0.0)] * len(pictures)
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            (out,) = self._reader.run(
                None, {"x": _batch([pictures[place] for place in places], _LEAST_WIDTH)}
            )
            for place, scores in zip(places, out, strict=True):
                readings[place] = self._decode(scores)
        return readings

    def _decode(self, scores: npt.NDArray[np.float32]) -> Reading:
        """Greedy CTC: the best class of each column, repeats and blanks left out."""
        best = scores.argmax(axis=1)
        kept = (best != 0) & np.concatenate(([True], best[1:] != best[:-1]))
        if not kept.any():
            return Reading("", 0.0)
        text = "".join(self._characters[index] for index in best[kept])
        return Reading(text, float(scores.max(axis=1)[kept].mean()))


def _folder() -> Path:
    """Where the weights are."""
    missing = [name for name in (PACKAGE, "onnxruntime") if importlib.util.find_spec(name) is None]
    spec = None if missing else importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            "looking for text in the pixels needs the extra `ocr`, which is not installed",
            reason="ocr.not-installed",
            advice=_INSTALL,
        )
    return Path(spec.submodule_search_locations[0], "models")


def _session(folder: Path, model: tuple[str, str], threads: int) -> onnxruntime.InferenceSession:
    import onnxruntime

    name, digest = model
    try:
        data = (folder / name).read_bytes()
    except OSError:
        raise SystemTroubleError(
            "the text detector's weights can't be read",
            reason="ocr.weights-unread",
            file=name,
            advice=_REINSTALL,
        ) from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise MalformedError(
            "the text detector's weights are not the ones that this version was made for",
            reason="ocr.other-weights",
            file=name,
            advice=_REINSTALL,
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads would spin; beside anything else that computes, that costs more than it gains (measured
    # for torch: docs/BENCHMARKS.md, "Time").
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # it keeps the largest tile's memory for good
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _padded(picture: Picture) -> Picture:
    """The picture with its last row and column repeated until both sides are multiples of :data:`STEP`."""
    rows, columns = picture.shape[:2]
    margins = ((0, -rows % STEP), (0, -columns % STEP), (0, 0))
    return np.pad(picture, margins[: picture.ndim], mode="edge")


def _line(picture: Picture) -> Picture:
    """The picture at the height of a line."""
    rows, columns = picture.shape[:2]
    width = min(max(round(columns * LINE / rows), 1), _MOST_WIDTH)
    return np.asarray(Image.fromarray(picture).resize((width, LINE), Image.Resampling.BILINEAR))


def _batch(pictures: Sequence[Picture], least: int = 0) -> npt.NDArray[np.float32]:
    """Pictures of one height as ``[N, 3, rows, columns]``: blue, green, red from -1 to 1.

    Narrower ones are filled up with grey to the widest, or to ``least``.
    """
    width = max(least, *(picture.shape[1] for picture in pictures), 1)
    batch = np.zeros((len(pictures), 3, pictures[0].shape[0], width), np.float32)
    for row, picture in zip(batch, pictures, strict=True):
        planes = picture[None] if picture.ndim == 2 else picture[..., ::-1].transpose(2, 0, 1)
        scaled = planes.astype(np.float32)
        scaled *= np.float32(2 / 255)
        scaled -= 1
        row[:, :, : picture.shape[1]] = scaled
    return batch
