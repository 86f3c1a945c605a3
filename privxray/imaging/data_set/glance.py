"""What ``status`` and ``doctor`` want to know of a data set, without numpy: they are to start at once.

Nothing is written, so a data set of an earlier version stays one. Tested in
tests/unit/test_workflow_advice.py and tests/unit/test_imaging_dataset.py.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from privxray.naming.patient_id import PatientKey

FILE = "data.db"


def splits_in(folder: Path, study: str) -> frozenset[str]:
    """The splits of a study that have a patient; none where nothing was ever ingested.

    :param folder: the workspace's ``data`` folder.
    :raises sqlite3.Error: the data set is damaged; ``doctor`` says so in words.
    """
    return frozenset(row[0] for row in _of_study(folder, study, "DISTINCT split"))


def patients_and_labels(folder: Path, study: str, split: str) -> list[tuple[bytes, PatientKey, str]]:
    """What stands for an image, what stands for its patient, and its label, for each row of a split.

    :raises sqlite3.Error: as above.
    """
    rows = _of_study(folder, study, "split, content, patient, label")
    return [(content, patient, label) for where, content, patient, label in rows if where == split]


def choice_of(folder: Path, study: str, name: str) -> str | None:
    """What was chosen for a study's data set, as :meth:`.dataset.Dataset.choice` gives it.

    :raises sqlite3.Error: as above.
    """
    if not _read(folder, "SELECT 1 FROM sqlite_master WHERE name = 'choice'"):
        return None
    rows = _read(folder, "SELECT value FROM choice WHERE study = ? AND name = ?", study, name)
    return str(rows[0][0]) if rows else None


def images_of_earlier_decoders(folder: Path, decoder: int) -> int:
    """How many images of the data set were decoded by an earlier version than this one.

    :param folder: the workspace's ``data`` folder. :param decoder: this version's.
    :raises sqlite3.Error: as above.
    """
    if not _read(folder, "SELECT 1 FROM pragma_table_info('pixels') WHERE name = 'decoder'"):
        return len(_read(folder, "SELECT 1 FROM image"))  # of the first decoder, all of them
    query = "SELECT DISTINCT content FROM image JOIN pixels USING (content) WHERE decoder < ?"
    return len(_read(folder, query, decoder))


def _of_study(folder: Path, study: str, columns: str) -> list[tuple[Any, ...]]:
    """Columns of the rows of a study; of all rows where a version without studies has written them."""
    if not _read(folder, "SELECT 1 FROM pragma_table_info('image') WHERE name = 'study'"):
        return _read(folder, f"SELECT {columns} FROM image")  # noqa: S608 - columns are named in this module
    own = f"SELECT {columns} FROM image WHERE study = ?"  # noqa: S608 - as above
    return _read(folder, own, study) or _read(folder, own, "")


def _read(folder: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of an answer; none where there is no data set, or nothing in it yet."""
    path = folder / FILE
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as database:
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'image'").fetchone() is None:
            return []
        return database.execute(query, values).fetchall()
