"""The file of a data set: opening it, and telling one of another version or another workspace.

Tested in tests/unit/test_imaging_dataset.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from privxray.errors import MalformedError
from privxray.imaging.data_set.dataset_keys import DatasetKeys
from privxray.imaging.data_set.dataset_schema import KNOWN, bring_up_to_date
from privxray.imaging.data_set.glance import FILE
from privxray.workspace.private_database import PrivateDatabase

_ANEW = "Delete this file, then ingest the images again"


class DatasetFile:
    """The open file of a data set, seen from one study. An empty one is made where there is none yet.

    :param folder: the workspace's ``data`` folder.
    :param secret: 32 bytes of this workspace, the key of every hash in it.
    :param study: whose index this is.
    :ivar keys: makes the hashes.
    :raises MalformedError: the file is damaged, of another version, or made under another secret. Every
        method raises it where the file turns out to be damaged.
    """

    def __init__(self, folder: Path, secret: bytes, study: str) -> None:
        self.keys = DatasetKeys(secret)
        self._study = study
        self._path = folder / FILE
        self._db = PrivateDatabase(self._path, self.damaged)
        self._prepare()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. What was committed is on the disk."""
        self._db.close()

    def damaged(self) -> MalformedError:
        """The error that says that this file is damaged."""
        return MalformedError(
            "the data set is damaged", reason="dataset.damaged", file=self._path, advice=_ANEW
        )

    def _prepare(self) -> None:
        """Make the tables, or make sure that they were made by a known version under this secret."""
        made_by = self._db.number("PRAGMA user_version")
        if made_by not in KNOWN:
            raise MalformedError(
                "the data set was made by another version of privxray",
                reason="dataset.other-version",
                file=self._path,
                advice=_ANEW,
            )
        tag = self.keys.of("made", b"")
        with self._db.transaction():
            bring_up_to_date(self._db, made_by)
            self._db.write("INSERT INTO made SELECT ? WHERE NOT EXISTS (SELECT 1 FROM made)", tag)
        if self._db.first("SELECT 1 FROM made WHERE tag = ?", tag) is None:
            raise MalformedError(
                "the data set belongs to another workspace, or to an earlier state of this one",
                reason="dataset.other-workspace",
                file=self._path,
                advice=_ANEW,
            )
