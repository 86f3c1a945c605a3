"""What ``status`` and ``doctor`` want to know of a data set, without numpy: they are to start at once.

Nothing is written, so a data set of an earlier version stays one. Tested in
tests/unit/test_workflow_advice.py and tests/unit/test_imaging_dataset.py.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

FILE = "data.db"


def splits_in(folder: Path) -> frozenset[str]:
    """The splits that have a patient; none where nothing was ever ingested.

    :param folder: the workspace's ``data`` folder.
    :raises sqlite3.Error: the data set is damaged; ``doctor`` says so in words.
    """
    return frozenset(row[0] for row in _read(folder, "SELECT DISTINCT split FROM image"))


def images_of_earlier_decoders(folder: Path, decoder: int) -> int:
    """How many images of the data set were decoded by an earlier version than this one.

    :param folder: the workspace's ``data`` folder. :param decoder: this version's.
    :raises sqlite3.Error: as above.
    """
    if not _read(folder, "SELECT 1 FROM pragma_table_info('pixels') WHERE name = 'decoder'"):
        return len(_read(folder, "SELECT 1 FROM image"))  # of the first decoder, all of them
    query = "SELECT 1 FROM image JOIN pixels USING (content) WHERE decoder < ?"
    return len(_read(folder, query, decoder))


def _read(folder: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of an answer; none where there is no data set, or nothing in it yet."""
    path = folder / FILE
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as database:
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'image'").fetchone() is None:
            return []
        return database.execute(query, values).fetchall()
