"""The statement for a data protection officer, in English and German. Nothing of a patient is in it.

Tested in tests/cli/test_report_privacy.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from privxray.reports.rendering import render

KIND: Final = "privxray privacy statement"
"""Stands in the page; a file that has it was written here and may be written again."""

Language = Literal["en", "de"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "de")


@dataclass(frozen=True, slots=True)
class PrivacyTerms:
    """What the statement is about.

    :ivar study: :ivar hospital: :ivar coordinator: names. :ivar spent: epsilon of this study so far.
    :ivar planned: the most that its plan allows. :ivar limit: for all studies together.
    :ivar delta: of the plan. :ivar limit_delta: of the limit.
    :ivar masked: the hospitals whose updates are summed.
    :ivar hybrid: whether the masks rest on ML-KEM-768 as well, and not on X25519 alone.
    :ivar describes: whether the study counts patients before the training. :ivar evaluates: whether it
        counts the scores of held-out patients after it.
    :ivar left: of each file that left for this study: when, kind, name, to whom, SHA-256.
    :ivar software: names and versions.
    """

    study: str
    hospital: str
    coordinator: str
    spent: float
    planned: float
    limit: float
    delta: float
    limit_delta: float
    masked: int
    hybrid: bool
    describes: bool
    evaluates: bool
    left: Sequence[Sequence[str]]
    software: Sequence[tuple[str, str]]


def privacy_page(terms: PrivacyTerms, language: Language, when: str) -> str:
    """The statement as HTML text.

    :param when: date and time in words, with the zone.
    """
    values = {"terms": terms, "kind": KIND, "language": language, "when": when}
    return render(f"privacy_{language}.html", **values, promise=partial(_promise, language))


def _promise(language: Language, epsilon: float, delta: float) -> str:
    """An epsilon at its delta, as people of the language write numbers."""
    if language == "en":
        return f"epsilon {epsilon:.4g} at delta {delta:g}"
    plain = f"{delta:.15f}".rstrip("0")
    return f"Epsilon {epsilon:.4g} bei Delta {plain}".replace(".", ",")
