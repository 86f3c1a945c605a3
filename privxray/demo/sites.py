"""Splitting one csv of several hospitals into the hospitals' own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from privxray.errors import MalformedError
from privxray.imaging.labels import Row, read_labels
from privxray.keys.roster import MIN_HOSPITALS
from privxray.workflow.coordinator.make_plan import DEFAULT_CLASSES


@dataclass(frozen=True)
class Site:
    """One hospital's part of the csv. ``name`` is the csv's, ``hospital`` the name of its workspace."""

    name: str
    hospital: str
    images: Path
    rows: list[Row] = field(default_factory=list)


def read_sites(labels: Path, images: Path | None) -> list[Site]:
    """Read a csv with the columns image, patient, label, site and split.

    :param images: the images' folder; by default ``images`` beside the csv if there is one, else its folder.
    :raises MalformedError: not such a csv (see :func:`~privxray.imaging.labels.read_labels`), or fewer than
        three sites.
    """
    beside = labels.parent / "images"
    folder = (images or (beside if beside.is_dir() else labels.parent)).resolve()
    sites: dict[str, Site] = {}
    for row in read_labels(labels, folder, DEFAULT_CLASSES):
        if row.site is None or row.patient is None or row.split is None:
            raise MalformedError(
                "a demo's csv needs the columns image, patient, label, site, split", file=labels.name
            )
        if row.site not in sites:
            sites[row.site] = Site(row.site, _hospital(row.site, len(sites)), folder)
        sites[row.site].rows.append(row)
    if len(sites) < MIN_HOSPITALS:
        raise MalformedError(f"a study needs at least {MIN_HOSPITALS} sites", file=labels.name)
    if len({site.hospital.lower() for site in sites.values()}) < len(sites):
        raise MalformedError("two sites have names that differ in signs only", file=labels.name)
    return [sites[name] for name in sorted(sites)]


def _hospital(site: str, place: int) -> str:
    """A site's name as a hospital's, which becomes part of file names."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", site).strip("-._")[:30]
    return f"hospital-{plain.lower()}" if plain else f"hospital-{place + 1}"
