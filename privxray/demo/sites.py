"""Splitting one csv of several hospitals into one list of images a hospital.

Tested in tests/cli/test_demo.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from privxray.errors import MalformedError
from privxray.imaging.labelling.row import Row
from privxray.imaging.labels import csv_name
from privxray.keys.brackets import BRACKETS, USUAL_BRACKET, Bracket
from privxray.keys.roster import MIN_HOSPITALS
from privxray.workflow.common.labelled_images import labelled_images
from privxray.workflow.coordinator.planning.plan_terms import DEFAULT_CLASSES


@dataclass(frozen=True)
class Site:
    """One hospital's part of the csv.

    :ivar name: as the csv has it.
    :ivar hospital: the name of its workspace.
    :ivar images: the folder of the images of all sites.
    """

    name: str
    hospital: str
    images: Path
    rows: list[Row] = field(default_factory=list)

    @property
    def bracket(self) -> Bracket:
        """The size that this hospital states, at least the usual one.

        The demo counts, for it has everybody's patients. A hospital says what it expects.
        """
        patients = len({row.patient for row in self.rows})
        return next((one for one in BRACKETS if one >= max(patients, USUAL_BRACKET)), BRACKETS[-1])


def read_sites(labels: Path, images: Path | None) -> list[Site]:
    """Read a csv with the columns image, patient, label, site and split.

    :param images: the images' folder; by default ``images`` beside the csv if there is one, else its folder.
    :returns: the sites, sorted by name.
    :raises MalformedError: not such a csv (see :func:`.labelled_images`), fewer than three sites, or two
        sites whose names make the same name of a workspace.
    """
    folder, rows = labelled_images(labels, images, DEFAULT_CLASSES)
    sites: dict[str, Site] = {}
    for row in rows:
        if row.site is None or row.patient is None or row.split is None:
            raise MalformedError(
                "this csv lacks one of the columns that the demo needs",
                reason="demo.column-missing",
                file=csv_name(labels),
                advice="Its first row is to read: image,patient,label,site,split",
            )
        if row.site not in sites:
            sites[row.site] = Site(row.site, _hospital(row.site, len(sites)), folder)
        sites[row.site].rows.append(row)
    if len(sites) < MIN_HOSPITALS:
        raise MalformedError(
            f"a study needs at least {MIN_HOSPITALS} sites, and this csv has fewer",
            reason="demo.too-few-sites",
            file=csv_name(labels),
            advice="Add the images of further sites",
        )
    if len({site.hospital.lower() for site in sites.values()}) < len(sites):
        raise MalformedError(
            "the names of two sites in this csv are too much alike",
            reason="demo.sites-alike",
            file=csv_name(labels),
            advice="Give sites names that differ in a letter or digit among the first 30",
        )
    return [sites[name] for name in sorted(sites)]


def _hospital(site: str, place: int) -> str:
    """A site's name as a hospital's, which becomes part of file names."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", site).strip("-._")[:30]
    return f"hospital-{plain.lower()}" if plain else f"hospital-{place + 1}"
