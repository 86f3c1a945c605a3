"""A log file that only its owner may read, and that never stops whoever writes to it.

The standard library rotates it. Tested in tests/cli/test_log.py.
"""

from __future__ import annotations

import logging
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from privxray.system import private_files
from privxray.system.regular_files import NotRegularError


class PrivateLog(RotatingFileHandler):
    """A log file that is private from the first moment, and never stops a command."""

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        private_files.make_folder(path.parent)
        private_files.make_file(path)
        if not path.is_file():  # a pipe would wait for whoever reads it
            raise NotRegularError
        return path.open("a", encoding="utf-8")

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - the name in logging
        """A full or read-only disk is told by whatever the command itself writes."""
