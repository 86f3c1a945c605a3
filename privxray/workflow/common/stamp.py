"""What a file says of its making: the time and the software.

Tested in tests/cli/test_study.py, by every file that is written.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from privxray.formats.header import Stamp
from privxray.version import __version__

SOFTWARE = f"privxray {__version__}"


def now() -> str:
    """The time for a header's ``created``. No rule depends on it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def today() -> date:
    """The day, in UTC, for the rules about last days (:mod:`privxray.keys.succession.last_day`)."""
    return datetime.now(UTC).date()


def stamp() -> Stamp:
    """What a file that is written now says of its making."""
    return Stamp(created=now(), software=SOFTWARE)
