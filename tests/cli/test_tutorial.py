"""The tutorial's commands print what the tutorial says, but for what the noise, keys and clocks decide."""

from __future__ import annotations

from pathlib import Path

import pytest
import tutorial


def test_the_tutorial_says_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVXRAY_PASSPHRASE_FILE", "")
    page = tutorial.PAGE.read_text("utf-8")
    root = tmp_path.resolve() / "tutorial"
    root.mkdir()
    told, now = tutorial.steps(page), tutorial.played(page, root)
    assert len(now) > 35
    for before, after in zip(told, now, strict=True):
        assert tutorial.masked(before) == tutorial.masked(after), (
            before.command,
            "python docs/tools/tutorial.py",
        )
    assert tutorial.rewritten(page, told) == page


def test_what_is_otherwise_is_seen() -> None:
    step = tutorial.Step(
        "hospital-a", "privxray ingest", "All 86 images passed the check.\nNext: privxray train"
    )
    other = tutorial.Step(
        "hospital-a", "privxray ingest", "All 85 images passed the check.\nNext: privxray train"
    )
    wrapped = tutorial.Step(
        "hospital-a", "privxray ingest", "All 86 images\npassed the check.\nNext: privxray train"
    )
    assert tutorial.masked(step) != tutorial.masked(other)
    assert tutorial.masked(step) == tutorial.masked(wrapped)
    row = "macro AUC           0.860 (0.7 to 0.9)"
    rows = [tutorial.Step("", "", f"First.\n{text}\nNext: stop", varies=True) for text in (row, row[5:])]
    assert tutorial.masked(rows[0]) == ["First.", "Next: stop", "macro"]
    assert tutorial.masked(rows[0]) != tutorial.masked(rows[1])
