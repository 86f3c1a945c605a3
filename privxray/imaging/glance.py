"""Which splits a data set has patients in, without numpy: ``status`` is to start at once.

Tested in tests/unit/test_workflow_advice.py.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

FILE = "data.db"


def splits_in(folder: Path) -> frozenset[str]:
    """The splits that have a patient; none where nothing was ever ingested.

    :param folder: the workspace's ``data`` folder.
    :raises sqlite3.Error: the data set is damaged; ``doctor`` says so in words.
    """
    path = folder / FILE
    if not path.exists():
        return frozenset()
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as database:
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'image'").fetchone() is None:
            return frozenset()
        return frozenset(row[0] for row in database.execute("SELECT DISTINCT split FROM image"))
