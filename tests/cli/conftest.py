from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from played_study import At, Snapshots, World


@pytest.fixture
def at(snapshots: Snapshots, tmp_path: Path) -> At:
    """``at("trained")`` is a fresh copy of the study right after that stage."""

    def copy(stage: str) -> World:
        return World(Path(shutil.copytree(snapshots(stage), tmp_path / "world")))

    return copy
