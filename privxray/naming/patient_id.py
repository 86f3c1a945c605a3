"""A patient as the hospital's files name them, and what stands for a patient in a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

PatientKey = NewType("PatientKey", bytes)
"""A keyed hash of 32 bytes that stands for a patient in one data set: ``DatasetKeys.patient`` makes it."""


@dataclass(frozen=True, slots=True)
class PatientId:
    """The patient's number or name, as a csv of labels or (0010,0020) has it.

    However it is printed or formatted, ``<patient>`` is all that shows: in messages, logs and debuggers.
    """

    _text: str

    def reveal(self) -> str:
        """The text itself: for a keyed hash or a pseudonym, and for nothing that anybody reads."""
        return self._text

    def __repr__(self) -> str:
        return "<patient>"
