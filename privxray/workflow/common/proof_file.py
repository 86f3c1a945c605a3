"""Where the proof of a round lies. Tested in tests/cli/test_commitments.py."""

from __future__ import annotations

from pathlib import Path


def proof_beside(model: Path) -> Path:
    """The place of the proof that belongs to a model, in a workspace as on a stick."""
    return model.with_suffix(".proof")
