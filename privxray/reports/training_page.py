"""The page of a hospital's training: its data, the newest global model on its patients, and what is spent.

One HTML file that needs nothing else. It holds radiographs and exact figures of patients, so it stays in the
hospital.

Tested in tests/cli/test_report.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from privxray.reports.rendering import render

KIND = "privxray training report"
"""Stands in the page; a file that has it was written here and may be written again."""

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with the sentence below it."""

    picture: Markup
    caption: str


@dataclass(frozen=True, slots=True)
class TellingImage:
    """A radiograph to look at.

    :ivar plain: :ivar regions: ``data:`` URLs; the second is empty where no map can be made.
    :ivar says: what it is and what the model says of it. :ivar where: where the class was seen.
    """

    plain: str
    regions: str
    says: str
    where: str


@dataclass(frozen=True, slots=True)
class ModelSection:
    """The newest global model on held-out patients.

    :ivar says: what the figures mean, without full stops. :ivar caveats: likewise.
    :ivar confusion: a row for each true class, its name first.
    :ivar images: by kind, in words. :ivar maps: how the maps were made, in a sentence.
    """

    says: Sequence[str]
    columns: Sequence[str]
    metrics: Rows
    counts: Rows
    roc: Sequence[Chart]
    confusion_columns: Sequence[str]
    confusion: Rows
    calibration: Chart
    reliability: Rows
    pneumonia: Sequence[tuple[str, str]]
    images: Sequence[tuple[str, Sequence[TellingImage]]]
    maps: str
    caveats: Sequence[str]


@dataclass(frozen=True, slots=True)
class SpendingSection:
    """What is spent of the privacy budget.

    :ivar gauges: all studies first, then each. :ivar over_time: None where nothing is spent.
    :ivar moments: when, study, and the epsilon of all studies from then on.
    """

    gauges: Sequence[Chart]
    over_time: Chart | None
    moments: Rows


@dataclass(frozen=True, slots=True)
class TrainingPage:
    """What the page says; every cell is ready to print.

    :ivar data: split, class, patients, images.
    :ivar model: None where there is none to show; ``no_model`` says why, without a full stop.
    :ivar own: figures of the hospital's own training: name and value; shown where there is no global model.
    :ivar facts: :ivar constants: :ivar digests: of the plan; they are folded away.
    """

    title: str
    study: str
    data: Rows
    spending: SpendingSection
    facts: Sequence[tuple[str, str]]
    constants: Sequence[tuple[str, str]]
    digests: Sequence[tuple[str, str]]
    model: ModelSection | None = None
    no_model: str = ""
    own: Sequence[tuple[str, str]] = field(default_factory=tuple)

    def html(self, version: str, when: str) -> str:
        """The page as HTML text.

        :param version: of privxray. :param when: date and time in words, with the zone.
        """
        values = {name: getattr(self, name) for name in self.__slots__}
        return render("training.html", **values, kind=KIND, version=version, when=when)
