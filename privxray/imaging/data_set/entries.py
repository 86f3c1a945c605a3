"""Rows of a data set's index, and what an ingest changes in it.

Tested in tests/unit/test_imaging_dataset.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from privxray.naming.patient_id import PatientKey


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the index. ``content`` and ``patient`` are keyed hashes of 32 bytes."""

    content: bytes
    patient: PatientKey = field(repr=False)
    label: str
    split: str


class SourceKeys(NamedTuple):
    """What stands for the ids of an image: :mod:`privxray.imaging.labelling.patient_sources` compares them.

    :ivar spelling: of the csv's patient, spelling apart. :ivar id: of PatientID. :ivar visit: of
        StudyInstanceUID.
    """

    spelling: bytes
    id: bytes | None
    visit: bytes | None


@dataclass(frozen=True)
class IndexChange:
    """What an ingest changes in an index.

    :ivar entries: the rows of its csv. :ivar sources: by content.
    :ivar replace: these rows are the whole index from now on.
    :ivar update: where the index has another label, patient or split for them, these count.
    :ivar choices: what was chosen with them, by name.
    :ivar traits: by patient, values by the columns' names, see
        :mod:`privxray.imaging.labelling.patient_traits`; they replace what was kept of those columns.
    """

    entries: Sequence[Entry]
    sources: Mapping[bytes, SourceKeys] = field(default_factory=dict)
    replace: bool = False
    update: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    traits: Mapping[PatientKey, Mapping[str, str]] = field(default_factory=dict)
