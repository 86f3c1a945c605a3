"""Splitting one csv of several hospitals into the hospitals' own."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from privxray.errors import MalformedError

COLUMNS = ("image", "patient", "label", "site", "split")
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Site:
    """One hospital's part of the csv. ``name`` is the csv's, ``hospital`` the name of its workspace."""

    name: str
    hospital: str
    images: Path
    rows: list[Mapping[str, str]] = field(default_factory=list)


def read_sites(labels: Path, images: Path | None) -> list[Site]:
    """Read a csv with the columns image, patient, label, site and split.

    :param images: the images' folder; by default ``images`` beside the csv if there is one, else its folder.
    :raises MalformedError: not such a csv, fewer than three sites, or a patient at two sites or in two
        splits: that would break the patient's guarantee or the score. Rows are named, values are not.
    """
    folder = images or (labels.parent / "images" if (labels.parent / "images").is_dir() else labels.parent)
    sites: dict[str, Site] = {}
    seen: dict[str, tuple[str, str, int]] = {}
    for number, row in enumerate(_rows(labels), start=2):
        site, split, patient = row["site"], row["split"], row["patient"]
        if split not in ("train", "val", "test"):
            raise MalformedError(f"row {number}: the split is train, val or test", file=labels)
        if not patient or not site:
            raise MalformedError(f"row {number}: the patient or the site is empty", file=labels)
        known = seen.setdefault(patient, (site, split, number))
        if known[0] != site:
            raise MalformedError(
                f"rows {known[2]} and {number}: one patient at two sites",
                file=labels,
                advice="Give each patient to one site, or the patient pays at both",
            )
        if known[1] != split:
            raise MalformedError(f"rows {known[2]} and {number}: one patient in two splits", file=labels)
        if site not in sites:
            sites[site] = Site(site, _hospital(site, len(sites)), folder.resolve())
        sites[site].rows.append(row)
    if len(sites) < 3:
        raise MalformedError("a study needs at least three sites", file=labels)
    if len({site.hospital.lower() for site in sites.values()}) < len(sites):
        raise MalformedError("two sites have names that differ in signs only", file=labels)
    return [sites[name] for name in sorted(sites)]


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            raise MalformedError("this csv is too large", file=path)
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig")), strict=True)
        rows = [{name: (row.get(name) or "").strip() for name in COLUMNS} for row in reader]
    except (UnicodeDecodeError, csv.Error):
        raise MalformedError("this is not a UTF-8 csv", file=path) from None
    if not set(COLUMNS) <= set(reader.fieldnames or ()):
        raise MalformedError(f"the csv needs the columns {', '.join(COLUMNS)}", file=path)
    if not rows:
        raise MalformedError("the csv has no rows", file=path)
    return rows


def _hospital(site: str, place: int) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", site).strip("-._")[:30]
    return f"hospital-{plain.lower()}" if plain else f"hospital-{place + 1}"
