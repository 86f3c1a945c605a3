"""The csv of labels beside the results of ``deidentify``, with their names and pseudonyms."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from privxray.deid.cleaning.manifest import Manifest
from privxray.deid.cleaning.pseudonymise import Pseudonyms
from privxray.errors import MalformedError, RefusedError
from privxray.imaging.labels import Row, csv_name
from privxray.workflow.images.results_folder import digest_of
from privxray.workspace.atomic import write_atomic

LABELS = "labels.csv"

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,31}")


def labels_text(
    results: Mapping[Path, str | None], source: Path, labels: Path, rows: Sequence[Row], names: Pseudonyms
) -> tuple[str, int]:
    """The csv for the results, and how many rows it has.

    :param results: of each source, its path below the folder of results.
    :param labels: the csv for ``source``, which ``rows`` are from.
    :raises MalformedError: a label could be anything.
    """
    real = {Path(os.path.realpath(path)): result for path, result in results.items()}
    lines = []
    for row in rows:
        result = real.get(Path(os.path.realpath(source / row.relative)))
        if result is None:
            continue
        if not _LABEL.fullmatch(row.label):
            raise MalformedError(
                f"row {row.number} has a label that is not plainly a class",
                file=csv_name(labels),
                advice="Labels are letters, digits, spaces, points and dashes, at most 32",
            )
        patient = [] if row.patient is None else [names.patient(row.patient)]
        lines.append([result, *patient, row.label, *([] if row.split is None else [row.split])])
    columns = ["image", *(["patient"] if rows[0].patient is not None else []), "label"]
    columns += ["split"] if rows[0].split is not None else []
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *lines])
    return text.getvalue(), len(lines)


def put_labels(manifest: Manifest, dest: Path, data: bytes) -> None:
    """Write the csv, over one of an earlier run only; while one replaces the other, both are noted.

    :raises RefusedError: a file stands there that is none.
    """
    path = dest / LABELS
    digest = hashlib.sha256(data).hexdigest()
    known = (manifest.labels_of(dest) or "").split()
    there = digest_of(path) if path.exists() else ""
    if path.is_symlink() or (there and there != digest and there not in known):
        raise RefusedError("this file was not written by privxray", file=path, advice="Move it away")
    manifest.note_labels(dest, f"{there} {digest}")
    write_atomic(path, data, overwrite=True)
    manifest.note_labels(dest, digest)
