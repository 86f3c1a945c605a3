"""The sheet of an evaluation for the ethics file: one HTML file that needs nothing else.

Tested by the command that writes it, in tests/cli/test_evaluate.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from privxray.reports.rendering import render

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class EvaluationPage:
    """What the sheet says; every cell is ready to print.

    :ivar verdicts: what the figures mean, sentence by sentence, without full stops.
    :ivar facts: names and values: which model and data, by their fingerprints.
    :ivar columns: of ``metrics``; the metric comes first.
    :ivar counts: class, patients, images, recognised.
    :ivar reliability: said, images, mean said, right.
    :ivar groups: group, patients, images, macro AUC; empty where none was asked for.
    :ivar caveats: what to keep in mind, without full stops.
    """

    title: str
    verdicts: Sequence[str]
    facts: Sequence[tuple[str, str]]
    columns: Sequence[str]
    metrics: Rows
    counts: Rows
    pneumonia: Sequence[tuple[str, str]]
    reliability: Rows
    groups: Rows
    caveats: Sequence[str]

    def html(self, version: str, when: str) -> str:
        """The page as HTML text.

        :param version: of privxray. :param when: date and time in words, with the zone.
        """
        values = {name: getattr(self, name) for name in self.__slots__}
        return render("evaluation.html", **values, version=version, when=when)
