"""What an ingest may be told, and what it tells.

Tested in tests/unit/test_imaging_dataset.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from privxray.deid.findings.report import Finding
from privxray.deid.profile.profile import Profile
from privxray.imaging.comparison import Comparison
from privxray.imaging.index_rows import Ways
from privxray.imaging.seen_pictures import SeenPicture

Look = Callable[[bytes], Sequence[Finding]]
"""Gives the findings in the pixels of a file."""


@dataclass(frozen=True)
class IngestOptions:
    """How images are judged, and what becomes of those that are in the data set.

    :ivar profile: what may become of each attribute; the Basic Profile where it is None.
    :ivar look: looks at the pixels, too; None to check only what is written beside them.
    :ivar replace: the csv is the whole data set from now on. Otherwise it adds to what is there.
    :ivar update: where the data set has another label, patient or split for an image, the csv counts.
    :ivar label_map: further labels, and the class that each means.
    """

    profile: Profile | None = None
    look: Look | None = None
    replace: bool = False
    update: bool = False
    label_map: Mapping[str, str] = field(default_factory=dict)

    @property
    def ways(self) -> Ways:
        """How the csv stands to the data set."""
        return Ways(self.replace, self.update)


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did. Its counts are exact, so they stay inside the hospital.

    :ivar images: rows of the csv. :ivar unlisted: images of the folder that no row names.
    :ivar added: images that were not in the data set before.
    :ivar patients: patients in the data set now.
    :ivar counts: images and patients in the data set now, by split and label.
    :ivar profile: the profile that the images were judged by, in words.
    :ivar comparison: the csv held against the data set as it was.
    :ivar refused: images that were left out for what they show, as their names with the kind.
    :ivar remarks: what is odd, as names of images by the kind.
    :ivar spellings: rows of patients whose id another one has in another spelling.
    :ivar mapped: how many rows have a label that stands for a class, by both.
    :ivar pictures: every image of the csv, for the contact sheet.
    :ivar missing: files that a DICOMDIR names and that are not there, in public words.
    :ivar withdrawn: images of the csv that were left out because their patient withdrew.
    """

    images: int
    unlisted: int
    added: int
    patients: int
    counts: dict[tuple[str, str], tuple[int, int]]
    profile: str = ""
    comparison: Comparison = field(default_factory=Comparison)
    refused: tuple[tuple[str, str], ...] = ()
    remarks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    spellings: tuple[str, ...] = ()
    mapped: Mapping[tuple[str, str], int] = field(default_factory=dict)
    pictures: tuple[SeenPicture, ...] = field(default=(), repr=False)
    missing: tuple[str, ...] = ()
    withdrawn: int = 0
