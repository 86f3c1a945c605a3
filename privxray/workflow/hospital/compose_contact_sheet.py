"""Composing the contact sheet of an ingest. It holds image data of patients and stays inside the hospital.

Tested in tests/cli/test_ingest_comparison.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from privxray.imaging.data_set.dataset import Dataset
from privxray.imaging.ingest_report import IngestReport
from privxray.imaging.judging.one_picture import REFUSED, REMARKS
from privxray.imaging.seen_pictures import SeenPicture
from privxray.reports.contact_sheet import ContactSheet, Thumb, thumb_url
from privxray.version import __version__

_MOST_TWINS = 3


def compose_contact_sheet(report: IngestReport, dataset: Dataset) -> str:
    """The page as HTML text.

    :param dataset: that has the report's images now.
    """
    kinds: dict[str, int] = {}
    for _, kind in report.refused:
        words = _words(kind)
        kinds[words] = kinds.get(words, 0) + 1
    kinds |= {_words(kind): len(names) for kind, names in report.remarks.items()}
    sheet = ContactSheet(
        facts=[
            ("Images of the csv", f"{report.images:,}"),
            ("Refused", f"{len(report.refused):,}"),
            ("Patients in the data set", f"{report.patients:,}"),
            ("Judged by", report.profile),
        ],
        kinds=list(kinds.items()),
        thumbs=[_thumb(picture, dataset) for picture in report.pictures],
    )
    return sheet.html(__version__, datetime.now().astimezone().strftime("%Y-%m-%d %H:%M (UTC%z)"))


def _thumb(picture: SeenPicture, dataset: Dataset) -> Thumb:
    image = dataset.pixels(picture.content) if picture.image is None else picture.image
    return Thumb(
        url=thumb_url(image, odd=bool(picture.remarks)),
        name=picture.name,
        label=picture.label,
        split=picture.split,
        reasons=[*(_words(remark.kind) for remark in picture.remarks), *_like(picture.twins)],
        boxes=[remark.box for remark in picture.remarks if remark.box is not None],
    )


def _like(twins: Sequence[str]) -> list[str]:
    """Which images a picture is like, in words; none where it is like no other."""
    more = f" and {len(twins) - _MOST_TWINS} more" if len(twins) > _MOST_TWINS else ""
    return [f"see {', '.join(twins[:_MOST_TWINS])}{more}"] if twins else []


def _words(kind: str) -> str:
    return f"refused: {REFUSED[kind]}" if kind in REFUSED else REMARKS[kind]
