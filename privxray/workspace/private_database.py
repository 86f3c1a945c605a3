"""A SQLite file that only its owner can read, as the data set and the manifest of copies use one.

What is committed is on the disk (``synchronous = FULL``), and what is deleted is overwritten in the file
(``secure_delete``), so that a patient who was taken out is not left in a free page.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from privxray.errors import MalformedError
from privxray.system import private_files
from privxray.workspace.atomic import make_private_folder


class PrivateDatabase:
    """An open database; file (mode 0600) and folder (mode 0700) are made where there are none.

    Outside :meth:`transaction` each statement is committed by itself.

    :param path: the file.
    :param damaged: makes the error that says that this file is damaged, and what to do about it.
    :raises MalformedError: ``damaged()``, here and in every method, where SQLite finds the file damaged. A
        full disk or a lock stays a :class:`sqlite3.OperationalError`.
    """

    def __init__(self, path: Path, damaged: Callable[[], MalformedError]) -> None:
        self._damaged = damaged
        make_private_folder(path.parent)
        private_files.make_file(path)
        with self._damage_told():
            self._connection = connect(path)
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA secure_delete = ON")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block's writes, durable at its end, or none."""
        with self._damage_told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def write(self, statement: str, *values: object) -> None:
        """Carry out one statement."""
        with self._damage_told():
            self._connection.execute(statement, values)

    def write_many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Carry out one statement for each row of values."""
        with self._damage_told():
            self._connection.executemany(statement, rows)

    def write_script(self, script: str) -> None:
        """Carry out several statements, each of which ends with a semicolon and the end of its line."""
        for statement in filter(str.strip, script.split(";\n")):
            self.write(statement)

    def first(self, query: str, *values: object) -> tuple[Any, ...] | None:
        """The first row of an answer; None where there is no row."""
        with self._damage_told(), closing(self._connection.execute(query, values)) as cursor:
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row

    def all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of an answer."""
        with self._damage_told():
            return self._connection.execute(query, values).fetchall()

    def number(self, query: str, *values: object) -> int:
        """The number that a counting query (or a PRAGMA) answers with."""
        ((number,),) = self.all(query, *values)
        return int(number)

    @contextmanager
    def _damage_told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            # OperationalError also means a full disk or a lock, which is no damage.
            if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                raise
            raise self._damaged() from None


def connect(path: Path) -> sqlite3.Connection:
    """A connection that commits only where it is told to."""
    return sqlite3.connect(path, isolation_level=None, timeout=10)
