"""The report of an audit: one HTML file that needs nothing else, neither a script nor a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from privxray.reports.rendering import render


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture of a row: a data URL, what it is, and lines about it."""

    url: str
    name: str
    lines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """What the report says. No number or picture in it is of a single patient, unless the data are public.

    :param verdict: one sentence. :param figures: names and values. :param limits: what could not be shown.
    :param how: the attack and its source. :param plot: a data URL. :param rows: pictures side by side.
    :param inside: the patients are a hospital's own.
    """

    title: str
    verdict: str
    flagged: bool
    figures: Sequence[tuple[str, str]]
    limits: Sequence[str]
    how: str
    plot: str = ""
    plot_says: str = ""
    rows: Sequence[Sequence[Shown]] = ()
    inside: bool = False


def audit_page(page: Page, version: str, when: str) -> str:
    """The page as HTML text.

    :param version: of privxray. :param when: date and time in words, with the zone.
    """
    values = {name: getattr(page, name) for name in Page.__slots__}
    return render("audit.html", **values, version=version, when=when)
