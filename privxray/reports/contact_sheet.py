"""The contact sheet of an ingest: every image small, the odd ones first. One HTML file that needs no script.

Images are ``data:`` URLs of small JPEG files. A page of 5,000 has about 15 MB; browsers lay out and decode
what is in sight, so it stays quick to scroll.

Tested in tests/unit/test_contact_sheet.py.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from privxray.reports.rendering import render

SIDE, ODD_SIDE = 96, 160
"""Pixels a side of an ordinary picture, and of an odd one."""

_QUALITY = 62

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of the width and the height."""


@dataclass(frozen=True, slots=True)
class Thumb:
    """One image.

    :ivar url: see :func:`thumb_url`. :ivar name: its public name.
    :ivar reasons: what is odd about it, in words; none where nothing is.
    :ivar boxes: where in the picture that is.
    """

    url: str
    name: str
    label: str
    split: str
    reasons: Sequence[str] = ()
    boxes: Sequence[Box] = ()

    @property
    def styles(self) -> list[str]:
        """The boxes as CSS."""
        return [
            f"left:{left:.1%};top:{top:.1%};width:{right - left:.1%};height:{bottom - top:.1%}"
            for left, top, right, bottom in self.boxes
        ]


@dataclass(frozen=True, slots=True)
class ContactSheet:
    """The page.

    :ivar facts: names and values. :ivar kinds: what is odd, in words, with how many images it concerns.
    """

    facts: Sequence[tuple[str, str]]
    kinds: Sequence[tuple[str, int]]
    thumbs: Sequence[Thumb]

    def html(self, version: str, when: str) -> str:
        """The page as HTML text.

        :param version: of privxray. :param when: date and time in words, with the zone.
        """
        odd = [thumb for thumb in self.thumbs if thumb.reasons]
        return render(
            "contact_sheet.html",
            facts=self.facts,
            kinds=self.kinds,
            total=len(self.thumbs),
            odd_total=len(odd),
            odd=_by_label(odd),
            others=_by_label(thumb for thumb in self.thumbs if not thumb.reasons),
            version=version,
            when=when,
            side=SIDE,
            odd_side=ODD_SIDE,
        )


def thumb_url(image: npt.NDArray[np.uint8], *, odd: bool) -> str:
    """A canonical image, uint8 ``[260, 260]``, small, as a ``data:`` URL."""
    side = ODD_SIDE if odd else SIDE
    stream = io.BytesIO()
    Image.fromarray(image).resize((side, side), Image.Resampling.BOX, reducing_gap=2).save(
        stream, "JPEG", quality=_QUALITY
    )
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def _by_label(thumbs: Iterable[Thumb]) -> list[tuple[str, list[Thumb]]]:
    groups: dict[str, list[Thumb]] = {}
    for thumb in thumbs:
        groups.setdefault(thumb.label, []).append(thumb)
    return sorted(groups.items())
