"""Identifiers that a trial has assigned to its patients, in place of pseudonyms made here.

``deidentify --ids FILE`` reads pairs of Patient ID and identifier. The workspace remembers them, the Patient
ID as a keyed hash. So later runs give the same patient the same identifier without the file, and a copy that
is de-identified again keeps it (docs/adr/0132).

Tested in tests/cli/test_crosswalk.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from privxray.deid.cleaning.copies.manifest import Manifest
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.errors import MalformedError, RefusedError
from privxray.imaging.labelling.table_file import records
from privxray.naming.public_names import lone_name

FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
"""What an identifier may look like: it becomes Patient ID and Patient's Name (PS3.5 6.2: LO and PN, 64)."""

_PATIENT = {"patient", "patientid", "patient_id"}
_ID = {"id", "trial_id", "trialid", "subject"}


def assign(manifest: Manifest, key: bytes, table: Path | None) -> Pseudonyms:
    """The workspace's pseudonyms, with all identifiers that were ever assigned here.

    :param key: of the pseudonyms. :param table: a csv or .xlsx with further pairs; None for none.
    :raises MalformedError: a row is not a pair, or an identifier is the Patient ID itself or of another form.
    :raises RefusedError: a patient has copies here under another name, or an identifier is another patient's.
    """
    plain = Pseudonyms(key)
    if table is not None:
        name = lone_name(table)
        for number, patient, identifier in _pairs(table, name):
            hashed = plain.hashed(patient)
            known = manifest.name_of(hashed)
            if known is not None and known != identifier:
                raise RefusedError(
                    f"row {number} assigns an identifier to a patient who has copies here under another one",
                    reason="ids.patient-named",
                    file=name,
                    advice="Keep the identifier of before, or make all copies anew from a new workspace",
                )
            if not manifest.assign(hashed, identifier):
                raise RefusedError(
                    f"row {number} assigns an identifier that another patient has",
                    reason="ids.twice",
                    file=name,
                    advice="Give each patient an identifier of his or her own",
                )
    return Pseudonyms(key, manifest.assigned())


def _pairs(table: Path, name: str) -> Iterator[tuple[int, str, str]]:
    """Row number, Patient ID and identifier."""
    rows = records(table, name)
    header = [cell.strip().lower().replace(" ", "_") for cell in next(rows, (0, []))[1]]
    patient = next((place for place, cell in enumerate(header) if cell in _PATIENT), None)
    identifier = next((place for place, cell in enumerate(header) if cell in _ID), None)
    if patient is None or identifier is None:
        raise MalformedError(
            "its first row has to name the columns patient and id",
            reason="ids.columns",
            file=name,
            advice="Write `patient,id` into the first row, then a row for each patient",
        )
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        both = [cells[place].strip() if place < len(cells) else "" for place in (patient, identifier)]
        if not both[0] or not FORM.fullmatch(both[1]) or both[0].lower() in both[1].lower():
            raise MalformedError(
                f"row {number} is not a Patient ID and an identifier that may stand for it",
                reason="ids.row",
                file=name,
                advice="An identifier has up to 32 letters, digits, dots, dashes and underscores, and does "
                "not hold the Patient ID",
            )
        yield number, both[0], both[1]
