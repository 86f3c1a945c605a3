"""What hospitals count of their patients: one patient in one cell, and how far one patient moves a vector."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from exchange_samples import STAMP, Study
from forged_files import refused

from privxray.exchange.messages.model import ModelHeader, write_model
from privxray.exchange.messages.plan_tasks import sensitivity
from privxray.formats.container import split
from privxray.formats.header import Body
from privxray.imaging.data_set.entries import Entry
from privxray.imaging.labelling.patient_traits import AGE_BANDS, SEXES
from privxray.naming.patient_id import PatientKey
from privxray.workflow.hospital.counting.describe import patient_counts
from privxray.workflow.hospital.counting.evaluate_together import patient_scores, score_counts
from privxray.workflow.hospital.counting.patient_classes import classes_of_patients
from privxray.workflow.hospital.taking_in.check_evaluated import check_evaluated

CLASSES = ("normal", "bacteria", "virus")


def images(*labels: str, patient: int = 0) -> list[Entry]:
    return [
        Entry(bytes([patient, place]), PatientKey(bytes([patient])), label, "train")
        for place, label in enumerate(labels)
    ]


class Drawn:
    """A data set of these images."""

    def __init__(self, entries: list[Entry], **traits: dict[int, str]) -> None:
        self._entries = entries
        self._traits = traits

    def entries(self) -> list[Entry]:
        return self._entries

    def traits(self, name: str) -> dict[PatientKey, str]:
        return {PatientKey(bytes([one])): value for one, value in self._traits.get(name, {}).items()}


def test_the_class_of_a_patient_is_that_of_most_images() -> None:
    entries = [
        *images("virus", "normal", "virus"),
        *images("virus", "bacteria", patient=1),
        *images("normal", patient=2),
    ]
    assert list(classes_of_patients(entries, CLASSES).values()) == [2, 1, 0]
    with refused("dataset.other-classes"):
        classes_of_patients(images("cat"), CLASSES)


def test_a_patient_is_in_one_cell_whatever_the_number_of_images() -> None:
    entries = [*images("virus", "virus", "virus"), *images("normal", patient=1)]
    dataset = Drawn(entries, age={0: AGE_BANDS[1], 1: "of no band"}, sex={0: "M"})
    counts = patient_counts(dataset, CLASSES)  # type: ignore[arg-type]
    assert counts.shape == (3, len(AGE_BANDS) + 1, len(SEXES) + 1)
    assert (counts[2, 1, SEXES.index("M")], counts[0, -1, -1], counts.sum()) == (1, 1, 2)
    without = patient_counts(Drawn(entries[3:]), CLASSES)  # type: ignore[arg-type]
    assert np.linalg.norm(counts - without) == sensitivity("describe", 3) == 1


def test_scores_are_means_over_a_patients_images() -> None:
    class Model:
        def probabilities(self, inputs: np.ndarray) -> np.ndarray:
            return inputs

    rows = np.array([[0.2, 0.8], [0.6, 0.4], [1.0, 0.0], [np.nan, 0.5]])
    scores = patient_scores(Model(), rows, np.array([0, 0, 1, 2]))  # type: ignore[arg-type]
    assert scores == pytest.approx(np.array([[0.4, 0.6], [1.0, 0.0], [0.0, 0.5]]))


def test_one_patient_moves_the_histograms_by_the_root_of_the_classes() -> None:
    edges = ((0.25, 0.5, 0.75),) * 3
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4], [0.0, 0.0, 1.0]])
    labels = np.array([0, 1, 2])
    counts = score_counts(scores, labels, edges)
    assert counts.shape == (3, 2, 4)
    assert counts[0].tolist() == [[0, 0, 1, 0], [2, 0, 0, 0]]
    assert counts[1].tolist() == [[0, 0, 1, 0], [2, 0, 0, 0]]  # a score on an edge is above it
    assert counts[2].tolist() == [[0, 0, 0, 1], [1, 1, 0, 0]]
    for place in range(3):
        rest = [one for one in range(3) if one != place]
        moved = np.linalg.norm(counts - score_counts(scores[rest], labels[rest], edges))
        assert moved == pytest.approx(sensitivity("evaluate", 3))
    assert score_counts(np.zeros((0, 3)), np.zeros(0, int), edges).sum() == 0


def test_a_plan_evaluates_the_model_that_was_accepted(tmp_path: Path) -> None:
    study = Study()
    file = write_model({"w": np.zeros(3)}, study.signed(), study.coordinator, STAMP)
    (tmp_path / "model").write_bytes(file)
    digest, body = split(file).digest, split(file).claim(ModelHeader).body
    rounds = [SimpleNamespace(number=1, model=None), SimpleNamespace(number=2, model=digest)]
    session: Any = SimpleNamespace(
        state=SimpleNamespace(rounds=lambda _: rounds),
        workspace=SimpleNamespace(model_copy=lambda *_: tmp_path / "model"),
    )
    evaluate = {"task": "evaluate", "model": digest, "body": body}
    check_evaluated(session, study.plan.model_copy(update=evaluate))
    for other in ({"model": "ab" * 32}, {"body": Body(length=5, sha256="ab" * 32)}):
        with refused("plan.other-model"):
            check_evaluated(session, study.plan.model_copy(update=evaluate | other))
        check_evaluated(session, study.plan.model_copy(update=other))  # it trains
    rounds.pop()
    check_evaluated(session, study.plan.model_copy(update=evaluate | {"model": "ab" * 32}))
