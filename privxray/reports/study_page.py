"""The page of a study and its model card, for the coordinator. Nothing of a patient is in them.

Tested in tests/cli/test_report_study.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from privxray.reports.rendering import render
from privxray.reports.training_page import Chart

KIND = "privxray study report"
"""Stands in the page and the cards; a file that has it was written here and may be written again."""

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class CardTable:
    """A table of a model card; every cell is ready to print.

    :ivar name: stands over it where a section has several.
    """

    name: str
    heads: Sequence[str]
    rows: Rows

    def markdown(self) -> list[str]:
        """As lines of Markdown."""
        return [_row(self.heads), _row(["---"] * len(self.heads)), *map(_row, self.rows)]


@dataclass(frozen=True, slots=True)
class CardSection:
    """A section of a model card: paragraphs, then tables, then paragraphs."""

    heading: str
    before: Sequence[str] = ()
    tables: Sequence[CardTable] = ()
    after: Sequence[str] = ()

    def markdown(self) -> list[str]:
        """As lines of Markdown."""
        parts = [[text] for text in self.before]
        for table in self.tables:
            parts += [[f"**{table.name}**"]] if len(self.tables) > 1 else []
            parts.append(table.markdown())
        parts += [[text] for text in self.after]
        return ["", f"## {self.heading}", *(line for part in parts for line in ("", *part))]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What whoever uses the model has to know (Mitchell et al. 2019, "Model cards for model reporting").

    :ivar facts: name and value.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[CardSection]

    def markdown(self) -> str:
        """The card as Markdown."""
        lines = [f"<!-- {KIND} -->", f"# {self.title}", "", "| | |", "| --- | --- |"]
        lines += map(_row, self.facts)
        lines += [line for section in self.sections for line in section.markdown()]
        return "\n".join(lines) + "\n"

    def html(self, version: str, when: str) -> str:
        """The card as a page of its own; arguments as for :meth:`StudyPage.html`."""
        return render("model_card_page.html", card=self, kind=KIND, version=version, when=when)


@dataclass(frozen=True, slots=True)
class Counted:
    """What hospitals have counted together; every cell is ready to print.

    :ivar heads: of the columns of ``rows``. :ivar curves: ROC, of the classes whose AUC is shown.
    :ivar calibration: class, score, patients, share; may be empty.
    :ivar remarks: in sentences without full stops.
    """

    title: str
    heads: Sequence[str]
    rows: Rows
    curves: Sequence[Chart]
    calibration: Rows
    remarks: Sequence[str]


@dataclass(frozen=True, slots=True)
class StudyPage:
    """What the page says; every cell is ready to print.

    :ivar deliveries: round, hospital, signed, epsilon stated, in the sum.
    :ivar lineage: plans and models, oldest first. :ivar steps: the same as rows: what, fingerprint, when.
    :ivar counted: of each round that only counted patients.
    :ivar guarantee: in sentences. :ivar protections: name, what it does here, who could still see what.
    :ivar parties: who, what they could see, what not. :ivar size: what the sum's size says, in sentences.
    :ivar card: None as long as there is no model.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    key_words: str
    cohort: Rows
    deliveries: Rows
    lineage: Chart
    steps: Rows
    counted: Sequence[Counted]
    guarantee: Sequence[str]
    protections: Rows
    parties: Rows
    size: Sequence[str]
    card: ModelCard | None

    def html(self, version: str, when: str) -> str:
        """The page as HTML text.

        :param version: of privxray. :param when: date and time in words, with the zone.
        """
        values = {name: getattr(self, name) for name in self.__slots__}
        return render("study.html", **values, kind=KIND, version=version, when=when)
