"""Whether two files show the same, whatever way their pixels are stored in.

Tested in tests/cli/test_check_against.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from hashlib import blake2b
from itertools import zip_longest
from typing import Literal, TypeAlias

import numpy as np

from privxray.deid.comparing.originals import Match, Originals
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.errors import MalformedError
from privxray.imaging.planes import planes

PixelComparison: TypeAlias = Literal["same", "changed", "not_compared"]


def compared_pixels(copy: bytes, original: bytes) -> PixelComparison:
    """Compare two files plane by plane, as decoded."""
    try:
        pairs = zip_longest(planes(copy, name="copy"), planes(original, name="original"))
        same = all(
            one is not None and two is not None and np.array_equal(one.pixels, two.pixels)
            for one, two in pairs
        )
    except MalformedError:
        return "not_compared"
    return "same" if same else "changed"


class DecodedOriginals:
    """The originals by what they show. Made only if a copy needs it, for each has to be decoded."""

    def __init__(self, originals: Originals) -> None:
        self._originals = originals
        self._places: defaultdict[bytes, list[int]] = defaultdict(list)
        for place, file in enumerate(originals.files):
            try:
                digest = _digest(file.read_whole())
            except UnreadFileError:
                digest = b""
            if digest:
                self._places[digest].append(place)

    def find(self, copy: bytes, match: Match) -> Match:
        """The originals that show the same.

        :param match: what is known of the copy so far; it comes back where nothing is found.
        """
        places = self._places.get(_digest(copy), [])
        if match.patients:
            places = [place for place in places if self._originals.patient_of(place) in match.patients]
        found = self._originals.among(places, match.how or "pixels")
        return found if found.places else match


def _digest(data: bytes) -> bytes:
    """A digest of all planes; empty where there are none, or they can't be decoded."""
    digest, some = blake2b(digest_size=16), False
    try:
        for part in _parts(data):
            digest.update(part)
            some = True
    except MalformedError:
        return b""
    return digest.digest() if some else b""


def _parts(data: bytes) -> Iterator[bytes]:
    for plane in planes(data, name="file"):
        values = np.ascontiguousarray(plane.pixels)
        yield f"{plane.frame} {values.shape}".encode()
        yield values.astype("<i8").tobytes() if values.dtype.kind in "iu" else values.tobytes()
