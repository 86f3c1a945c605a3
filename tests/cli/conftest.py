"""A study at each of its stages, played once a session; tests work on copies."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from played_study import STAGES, At, World


@pytest.fixture(scope="session")
def _snapshots(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}
    stages = list(STAGES)

    def snapshot(stage: str) -> Path:
        if stage not in made:
            folder = tmp_path_factory.mktemp("study") / stage
            place = stages.index(stage)
            if place:
                shutil.copytree(snapshot(stages[place - 1]), folder)
            else:
                folder.mkdir()
            STAGES[stage](World(folder))
            made[stage] = folder
        return made[stage]

    return snapshot


@pytest.fixture
def at(_snapshots: Callable[[str], Path], tmp_path: Path) -> At:
    """``at("trained")`` is a fresh copy of the study right after that stage."""

    def copy(stage: str) -> World:
        return World(Path(shutil.copytree(_snapshots(stage), tmp_path / "world")))

    return copy
