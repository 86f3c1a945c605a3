"""The tables of a data set, and how one of an earlier version becomes one of this.

Tested in tests/unit/test_imaging_dataset.py.
"""

from __future__ import annotations

from typing import Final

from privxray.workspace.private_database import PrivateDatabase

FORMAT = 103
_WITHOUT_DECODERS = 101  # when all pixels were of decoder 1
_ONE_INDEX = 102  # when a workspace had one index, whatever its studies
KNOWN: Final = frozenset({0, _WITHOUT_DECODERS, _ONE_INDEX, FORMAT})
"""The formats that open; 0 is a file that was just made."""

NO_STUDY = ""
"""The study of rows that a version without studies has written."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS made (tag BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS image (
    study TEXT NOT NULL, content BLOB NOT NULL, copy INTEGER NOT NULL, patient BLOB NOT NULL,
    label TEXT NOT NULL, split TEXT NOT NULL, PRIMARY KEY (study, content, copy)) STRICT;
CREATE TABLE IF NOT EXISTS pixels (
    content BLOB PRIMARY KEY, data BLOB NOT NULL, decoder INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE TABLE IF NOT EXISTS redecoded (
    content BLOB PRIMARY KEY, data BLOB NOT NULL, decoder INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS feature (
    content BLOB NOT NULL, extractor TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (content, extractor)) STRICT;
CREATE TABLE IF NOT EXISTS judged (
    content BLOB PRIMARY KEY, decoder INTEGER NOT NULL, picture BLOB NOT NULL, likeness BLOB NOT NULL,
    background INTEGER NOT NULL, remarks TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS source (
    study TEXT NOT NULL, content BLOB NOT NULL, spelling BLOB NOT NULL, id BLOB, visit BLOB,
    PRIMARY KEY (study, content)) STRICT;
CREATE TABLE IF NOT EXISTS trait (
    patient BLOB NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (patient, name)) STRICT;
CREATE TABLE IF NOT EXISTS choice (
    study TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (study, name)) STRICT;
"""

_TO_STUDIES = """
ALTER TABLE image RENAME TO image_of_all;
CREATE TABLE image (
    study TEXT NOT NULL, content BLOB NOT NULL, copy INTEGER NOT NULL, patient BLOB NOT NULL,
    label TEXT NOT NULL, split TEXT NOT NULL, PRIMARY KEY (study, content, copy)) STRICT;
INSERT INTO image SELECT '', content, copy, patient, label, split FROM image_of_all;
DROP TABLE image_of_all;
"""


def bring_up_to_date(database: PrivateDatabase, made_by: int) -> None:
    """Make the tables, or those that an earlier version lacks, within a transaction.

    :param made_by: the format of the file, one of :data:`KNOWN`.
    """
    if made_by == _WITHOUT_DECODERS:
        database.write("ALTER TABLE pixels ADD COLUMN decoder INTEGER NOT NULL DEFAULT 1")
    if made_by in (_WITHOUT_DECODERS, _ONE_INDEX):
        database.write_script(_TO_STUDIES)
    database.write_script(SCHEMA)
    database.write(f"PRAGMA user_version = {FORMAT}")


def adopt(database: PrivateDatabase, studies: list[str]) -> None:
    """Give the rows of a version without studies to the studies that are joined.

    Each study that has no rows of its own gets all of them: so far each study was trained on them. Where no
    study is joined, nothing is done.
    """
    if not studies or database.first("SELECT 1 FROM image WHERE study = ?", NO_STUDY) is None:
        return
    with database.transaction():
        for study in studies:
            if database.first("SELECT 1 FROM image WHERE study = ?", study) is None:
                database.write(
                    "INSERT INTO image SELECT ?, content, copy, patient, label, split FROM image "
                    "WHERE study = ?",
                    *(study, NO_STUDY),
                )
        database.write("DELETE FROM image WHERE study = ?", NO_STUDY)
