"""The csv of labels for the copies of ``deidentify``: with their names, and with pseudonyms."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from privxray.deid.cleaning.copies.manifest import Manifest
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.sources.source import Source
from privxray.errors import MalformedError, RefusedError
from privxray.imaging.data_set.glance import choice_of
from privxray.imaging.labelling.label_names import LABEL_MAP, LabelNames, UnknownLabels
from privxray.imaging.labelling.row import Row
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.images.copies_folder import digest_of
from privxray.workspace.atomic import write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

LABELS = "labels.csv"

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,31}")


def labels_of_copies(
    copies: Mapping[str, str], source: Source, rows: Sequence[Row], names: Pseudonyms, csv_name: str
) -> tuple[bytes, int]:
    """The csv for the copies, and how many rows it has. An image without a copy has no row.

    :param copies: for each original, by its address, the path of its copy below the folder of copies.
    :param source: the originals. :param rows: of the csv for it.
    :param csv_name: what an error calls that csv.
    :raises MalformedError: a label does not look like a class, so it could identify somebody.
    """
    lines: list[list[str]] = []
    traits = sorted({name for row in rows for name in row.traits})
    for row in rows:
        copy = copies.get(source.file(row.relative).address)
        if copy is None:
            continue
        if not _LABEL.fullmatch(row.label):
            raise MalformedError(
                f"row {row.number} has a label that does not look like a class",
                reason="labels.not-a-class",
                file=csv_name,
                advice="A label may have letters, digits, spaces, points and dashes, at most 32 in all",
            )
        patient = [] if row.patient is None else [names.patient(row.patient.reveal())]
        split = [] if row.split is None else [row.split]
        lines.append([copy, *patient, row.label, *split, *(row.traits.get(name, "") for name in traits)])
    columns = ["image", *(["patient"] if rows[0].patient is not None else []), "label"]
    columns += ["split"] if rows[0].split is not None else []
    columns += traits
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *lines])
    return text.getvalue().encode(), len(lines)


def labels_of_no_study(workspace: Workspace, state: State, rows: Sequence[Row]) -> str:
    """A sentence about labels that no study that is joined here knows; empty where there is none.

    Capitals and blanks don't count, nor do labels that an ingest before was told the meaning of.
    """
    listed = [(row.label, row.number, row.patient) for row in rows]
    classes: list[str] = []
    for study in state.studies():
        (*_, newest) = state.rounds(study)
        own = load_plan(workspace, newest).classes
        kept = None
        with suppress(sqlite3.Error):  # doctor says what is wrong with it
            kept = choice_of(workspace.data, study, LABEL_MAP)
        names = LabelNames(own, json.loads(kept or "{}"))
        listed = [one for one in listed if names.find(one[0]) is None]
        classes += own
    if not classes or not listed:
        return ""
    unknown = UnknownLabels.of(listed)
    return (
        f"Note: ingest will not know these labels: {unknown}; the study has {', '.join(classes)}. Correct "
        "the csv before you wait for the copies, or tell ingest what they mean: --map LABEL=CLASS,..."
    )


def write_labels(manifest: Manifest, dest: Path, data: bytes) -> None:
    """Write the csv into the folder of copies, in place of one that an earlier run has written.

    While one replaces the other, the manifest has the digests of both.

    :raises RefusedError: a file of that name is there that privxray has not written.
    """
    path = dest / LABELS
    digest = hashlib.sha256(data).hexdigest()
    known = (manifest.labels_of(dest) or "").split()
    there = digest_of(path) if path.exists() else ""
    if path.is_symlink() or (there and there != digest and there not in known):
        raise RefusedError(
            "privxray has not written this file, or it was changed since",
            reason="copies.other-labels",
            file=path,
            advice="Move it away, then type the command again",
        )
    manifest.note_labels(dest, f"{there} {digest}")
    write_atomic(path, data, overwrite=True)
    manifest.note_labels(dest, digest)
