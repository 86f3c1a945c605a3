"""Who was trained on, and on which data: what a training notes, and what others ask of it.

A held-out figure of a patient who was trained on says nothing. So whoever was in a training of a study is
left out of every held-out figure of that study from then on, whatever split an ingest gives them later. A
patient counts as trained on under any of three names: the patient's own, that of one of the files, or that of
one of the pictures, for a new csv may call the same person otherwise (docs/adr/0098).

Tested in tests/cli/test_trained_on.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from privxray.imaging.data_set.glance import patients_and_labels
from privxray.imaging.index_changes import IndexChanges
from privxray.naming.patient_id import PatientKey
from privxray.workflow.common.stamp import now
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.state_tables.trained_tables import TrainedImage

if TYPE_CHECKING:
    from privxray.imaging.data_set.dataset import Dataset  # numpy, which status does without


@dataclass(frozen=True)
class TrainedData:
    """Which data a training saw, and what is otherwise in the data set now.

    :ivar digest: a keyed hash of the training patients' rows then, in hex.
    :ivar time: in words, when it began; empty where an earlier version of privxray trained.
    :ivar since: what changed among the training patients.
    """

    study: str
    round: int
    digest: str
    time: str
    since: IndexChanges

    def to_json(self) -> dict[str, object]:
        """What ``--json`` says of it."""
        return {"digest": self.digest, "time": self.time or None, "since": asdict(self.since)}

    def __str__(self) -> str:
        """One sentence without a full stop."""
        when = f"on the data of {self.time}" if self.time else "by an earlier version of privxray"
        return f"round {self.round} was trained {when}; in the train split since then {self.since}"


def note_training(session: Session, dataset: Dataset, round_: Round) -> None:
    """Note who is about to be trained on. It is durable when this returns; then noise may be drawn."""
    _note(session, dataset, round_, now())


def note_earlier_trainings(session: Session, dataset: Dataset, study: str) -> None:
    """Note who was trained on by a version of privxray that did not note it.

    The data set is taken for what it was then. Call it before the data set changes, or before a held-out
    figure is made.
    """
    state = session.state
    for round_ in state.rounds(study):
        trained = round_.task == "train" and round_.state.drawn and round_.epsilon is not None
        if trained and state.data_of_training(study, round_.trained_in) is None:
            _note(session, dataset, round_, None)


def trained_data(session: Session, round_: Round) -> TrainedData | None:
    """What the training of a round saw, and what changed since; None where none is noted."""
    state = session.state
    version = state.data_of_training(round_.study, round_.trained_in)
    if version is None:
        return None
    before = [(one.content, one.patient, one.label) for one in state.images_of(version)]
    after = before
    with suppress(sqlite3.Error):  # doctor says what is wrong with it
        after = patients_and_labels(session.workspace.data, round_.study, "train")
    return TrainedData(
        study=round_.study,
        round=round_.number,
        digest=version.digest,
        time=_in_words(version.time),
        since=IndexChanges.between(before, after),
    )


@dataclass(frozen=True)
class TrainedOn:
    """All whom a study has trained on, under each of their names."""

    patients: frozenset[PatientKey]
    contents: frozenset[bytes]
    pictures: frozenset[bytes]

    @classmethod
    def of(cls, images: Iterable[TrainedImage]) -> TrainedOn:
        """Whoever has one of these images."""
        listed = list(images)
        return cls(
            frozenset(one.patient for one in listed),
            frozenset(one.content for one in listed),
            frozenset(one.picture for one in listed),
        )

    def among(self, dataset: Dataset, split: str) -> frozenset[PatientKey]:
        """The patients of a split of whom this is one."""
        if not self.contents:
            return frozenset()
        return frozenset(
            entry.patient
            for entry in dataset.entries(split)
            if entry.patient in self.patients
            or entry.content in self.contents
            or dataset.picture(entry.content) in self.pictures
        )


def trained_on(session: Session, study: str) -> TrainedOn:
    """All whom a study has trained on in this workspace, as far as it is noted."""
    return TrainedOn.of(session.state.trained_images(study))


def _note(session: Session, dataset: Dataset, round_: Round, time: str | None) -> None:
    images = {
        entry.content: TrainedImage(entry.content, dataset.picture(entry.content), entry.patient, entry.label)
        for entry in dataset.entries("train")
    }
    if not images:
        return
    with session.state.transaction():
        session.state.note_training(
            round_.study,
            round_.trained_in,
            digest=dataset.fingerprint("train"),
            time=time,
            images=images.values(),
        )


def _in_words(time: str | None) -> str:
    if time is None:
        return ""
    return f"{datetime.fromisoformat(time):%Y-%m-%d %H:%M} UTC"
