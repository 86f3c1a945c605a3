"""The demo's X-rays: invented radiographs as DICOM files, de-identified, with a csv that labels them.

The same seed writes the same bytes. That is right for invented patients, and would be wrong for anything
private, so nothing that protects patients uses these modules.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from privxray.demo.dicom_file import Exposure, compressed, dicom_file, encoded
from privxray.imaging.chest_picture import FINDINGS, Child

PATIENTS_PER_SITE = 200
"""Enough for a linear probe to learn at epsilon 6, few enough for a demo of three minutes."""

_VAL_SHARE = 0.25
_HEADER = ("image", "patient", "label", "site", "split")
_FINDING_SHARES = ((0.40, 0.35, 0.25), (0.25, 0.45, 0.30), (0.30, 0.30, 0.40))
"""How often each of ``FINDINGS`` occurs, site by site."""


def draw_study(
    folder: Path,
    *,
    sites: Sequence[str] = ("A", "B", "C"),
    patients_per_site: int = PATIENTS_PER_SITE,
    seed: int = 1,
) -> Path:
    """Draw a study's images into ``folder/images`` and write ``folder/labels.csv``.

    A patient is at one site and in one split, has one label, and one to four images (most have one).

    :returns: the path of the csv, with the columns image, patient, label, site and split.
    """
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, str, str, str, str]] = []
    for place, site in enumerate(sites):
        for number in range(1, patients_per_site + 1):
            rng = np.random.default_rng((seed, place, number))
            finding = str(rng.choice(FINDINGS, p=_FINDING_SHARES[place % len(_FINDING_SHARES)]))
            child = Child.invent(finding, rng)
            patient = f"px{place * patients_per_site + number:04d}"
            split = "val" if rng.random() < _VAL_SHARE else "train"
            for view in range(1, 1 + int(rng.choice((1, 2, 3, 4), p=(0.76, 0.16, 0.05, 0.03)))):
                name = f"{patient}-{view}.dcm"
                file = dicom_file(Exposure(child, patient, view, 0.85 + 0.15 * place), rng)
                (images / name).write_bytes(encoded(compressed(file, rng)))
                rows.append((name, patient, finding, site, split))
    labels = folder / "labels.csv"
    with labels.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_HEADER)
        writer.writerows(rows)
    return labels
