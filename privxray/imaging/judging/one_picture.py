"""What is odd about one image, by itself.

The bounds are far from what radiographs do: in 1,500 of the paediatric collection of docs/BENCHMARKS.md the
least range from the 1st to the 99th percentile is 84 of 255, and no image has more than 5 % of its pixels at
full white.

Tested in tests/unit/test_imaging_judging.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from privxray.imaging.judging.header_facts import HeaderFacts

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of the width and the height."""

REFUSED: Final = {
    "empty": "black all over",
    "flat": "one grey value all over",
}
"""By its kind: what keeps an image out."""

REMARKS: Final = {
    "nearly-flat": "nearly one grey value all over",
    "padding": "mostly padding",
    "saturated": "saturated: much of it is full white",
    "tiny": "tiny",
    "enormous": "enormous",
    "lateral": "a lateral view, by its header",
    "body-part": "of a body part other than the chest, by its header",
    "excess": "with more pixels than its rows and columns take, so one of them may be wrong",
    "background": "a light background among dark ones, or the reverse",
    "same-patient": "the same picture twice, of one patient",
    "alike-patient": "almost the same picture twice, of one patient",
    "alike-patients": "almost the same picture of two patients",
    "alike-splits": "almost the same picture in two splits",
}
"""By its kind: what is remarked on. The last five compare images."""

_LEAST_RANGE = 24
_LEAST_CONTENT = 0.4
_MOST_WHITE = 0.1
_LEAST_SIDE = 128
_MOST_SIDE = 8000
_BORDER = 13
_HASH_SIDE = 16


@dataclass(frozen=True, slots=True)
class Remark:
    """:ivar kind: one of :data:`REFUSED` or :data:`REMARKS`. :ivar box: where, if it is at one place."""

    kind: str
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known of an image without its pixels.

    :ivar likeness: 256 bits that a copy of the picture in another size, compression or contrast shares but
        for a few, see :func:`likeness`.
    :ivar background: median grey of the border, 0 to 255.
    :ivar remarks: what is odd about it.
    """

    likeness: bytes
    background: int
    remarks: tuple[Remark, ...]

    @property
    def refused(self) -> str:
        """The kind for which the image is refused; empty where it is not."""
        return next((remark.kind for remark in self.remarks if remark.kind in REFUSED), "")

    def to_text(self) -> str:
        """The remarks, as the data set keeps them."""
        return json.dumps([[remark.kind, remark.box] for remark in self.remarks])

    @classmethod
    def from_text(cls, likeness_: bytes, background: int, text: str) -> Judgement:
        """The reverse of :meth:`to_text`."""
        remarks = (Remark(kind, None if box is None else tuple(box)) for kind, box in json.loads(text))
        return cls(likeness_, background, tuple(remarks))


def judge(image: npt.NDArray[np.uint8], header: HeaderFacts) -> Judgement:
    """Judge a canonical image, uint8 ``[260, 260]``, and what its header says."""
    return Judgement(likeness(image), _background(image), (*_of_pixels(image), *_of_header(header)))


def likeness(image: npt.NDArray[np.uint8]) -> bytes:
    """The difference hash of an image: 256 bits, whether each of 16 x 16 fields is darker than the next.

    After Krawetz's dHash, but with 16 fields a side, for chest radiographs are alike in 8: docs/adr/0110 has
    the figures. Of 1.1 million pairs of radiographs of different patients none differed in fewer than 17
    bits, while copies of another size and JPEG quality differed in at most 8 of 256.
    """
    size = (_HASH_SIDE + 1, _HASH_SIDE)
    fields = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX)).astype(np.int16)
    return np.packbits(fields[:, 1:] > fields[:, :-1]).tobytes()


def _of_pixels(image: npt.NDArray[np.uint8]) -> list[Remark]:
    if int(image.min()) == int(image.max()):
        return [Remark("flat" if image.any() else "empty")]
    low, high = np.percentile(image, (1, 99))
    found = []
    if high - low < _LEAST_RANGE:
        found.append(Remark("nearly-flat"))
    content = _content(image)
    if (content[2] - content[0]) * (content[3] - content[1]) < _LEAST_CONTENT:
        found.append(Remark("padding", content))
    white = image >= 254
    if white.mean() > _MOST_WHITE:
        found.append(Remark("saturated", _around(white)))
    return found


def _of_header(header: HeaderFacts) -> list[Remark]:
    shorter, longer = sorted((header.rows, header.columns))
    found = {
        "tiny": 0 < shorter < _LEAST_SIDE,
        "enormous": longer > _MOST_SIDE,
        "lateral": header.lateral,
        "body-part": header.foreign,
        "excess": header.excess,
    }
    return [Remark(kind) for kind, is_so in found.items() if is_so]


def _content(image: npt.NDArray[np.uint8]) -> Box:
    """What is left without the rows and columns at the border that are of the border's own grey."""
    values = image.astype(np.int16)
    grey = np.bincount(_border(image, 1), minlength=256).argmax()
    return _around(np.abs(values - int(grey)) > 2)


def _around(mask: npt.NDArray[np.bool_]) -> Box:
    """The least box around all that is true."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return (0.0, 0.0, 0.0, 0.0)
    height, width = mask.shape
    return (
        float(columns[0] / width),
        float(rows[0] / height),
        float((columns[-1] + 1) / width),
        float((rows[-1] + 1) / height),
    )


def _background(image: npt.NDArray[np.uint8]) -> int:
    return int(np.median(_border(image, _BORDER)))


def _border(image: npt.NDArray[np.uint8], width: int) -> npt.NDArray[np.uint8]:
    """The pixels of a frame of so many pixels, in no order."""
    inner = image[width:-width]
    parts = (image[:width], image[-width:], inner[:, :width], inner[:, -width:])
    return np.concatenate([part.ravel() for part in parts])
