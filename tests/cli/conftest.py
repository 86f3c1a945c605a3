from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import json_outputs
import pytest
from played_study import At, Snapshots, World, copy_world

json_outputs.watch()


@pytest.fixture(autouse=True)
def _printed_as_the_models_say() -> Iterator[None]:
    yield
    found = json_outputs.faults.copy()
    json_outputs.faults.clear()
    assert found == []


@pytest.fixture
def at(snapshots: Snapshots, tmp_path: Path) -> At:
    """``at("trained")`` is a fresh copy of the study right after that stage."""

    def copy(stage: str) -> World:
        return World(copy_world(snapshots(stage), tmp_path / "world"))

    return copy


# Encrypted inference


@pytest.fixture
def asked(snapshots: Snapshots) -> Path:
    """A coordinator with an offer, and a clinic with its first query, of two images with telling names."""
    return snapshots("asked")


@pytest.fixture
def answered(snapshots: Snapshots) -> Path:
    """The same, answered."""
    return snapshots("answered")


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[Path], World]:
    return lambda source: World(copy_world(source, tmp_path / "world"))


@pytest.fixture(scope="module")
def one_network() -> Iterator[None]:
    """The feature network is loaded once instead of in every command."""
    from infer_world import LoadedOnce

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("privxray.imaging.features.Extractor", LoadedOnce)
        yield


@pytest.fixture
def quick(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers of made-up numbers, questions about no image: for tests that are about files and counts.

    The stages that other tests get, too, are played before, with real numbers.
    """
    snapshots("answered")
    import numpy as np

    from privxray.inference import parameters, sandbox, wire
    from privxray.workflow.inference import ask

    made_up = np.zeros(1 + parameters.DEGREE, np.uint64)
    made_up[0] = (
        parameters.PRIMES[0] // 4
    )  # scores of the same sign under any secret: they do not sum to zero

    def evaluate(owner: Any, question: object, images: int) -> bytes:
        return wire.to_bytes(np.concatenate([made_up + k for k in range(images * owner.layout.classes)]))

    monkeypatch.setattr(sandbox, "evaluate", evaluate)
    monkeypatch.setattr(
        ask, "_features", lambda _, offer, paths: np.zeros((len(paths), offer.header.feature_dim))
    )
