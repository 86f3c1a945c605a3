"""The report of an audit: one HTML file that needs nothing else, neither a script nor a network.

Tested by the command that writes it, in tests/cli/test_audit.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from privxray.reports.rendering import render


@dataclass(frozen=True, slots=True)
class Illustration:
    """One picture of a row.

    :ivar url: a data URL. :ivar name: what it shows. :ivar lines: about it.
    """

    url: str
    name: str
    lines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class AuditPage:
    """What the report says. No number or picture in it is of a single patient, unless the data are public.

    :ivar verdict: one sentence without a full stop.
    :ivar flagged: more was found than is claimed.
    :ivar figures: names and values.
    :ivar caveats: what the audit could not have shown.
    :ivar how: the attack and its source.
    :ivar plot: a data URL, or nothing. :ivar plot_caption: what the plot shows.
    :ivar rows: pictures side by side.
    :ivar inside: the patients are a hospital's own.
    """

    title: str
    verdict: str
    flagged: bool
    figures: Sequence[tuple[str, str]]
    caveats: Sequence[str]
    how: str
    plot: str = ""
    plot_caption: str = ""
    rows: Sequence[Sequence[Illustration]] = ()
    inside: bool = False

    def html(self, version: str, when: str) -> str:
        """The page as HTML text.

        :param version: of privxray. :param when: date and time in words, with the zone.
        """
        values = {name: getattr(self, name) for name in self.__slots__}
        return render("audit.html", **values, version=version, when=when)
