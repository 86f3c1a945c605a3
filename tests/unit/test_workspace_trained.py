"""What a workspace remembers of whom it trained on: once noted it stays, whatever is ingested later."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from privxray.imaging.index_changes import IndexChanges, IndexRow
from privxray.workspace.state import State
from privxray.workspace.state_tables.trained_tables import TrainedImage


def image(number: int, patient: int, label: str = "normal") -> TrainedImage:
    return TrainedImage(b"c%d" % number, b"p%d" % number, b"patient%d" % patient, label)


def test_what_each_training_saw_is_kept_side_by_side(tmp_path: Path) -> None:
    with State(tmp_path / "state.db") as state:
        with state.transaction():
            state.note_training("s", 1, digest="d1", time="2026-01-01T00:00:00Z", images=[image(1, 1)])
            state.note_training("s", 1, digest="d2", time=None, images=[image(2, 2), image(1, 1)])
            state.note_training("s", 2, digest="d1", time=None, images=[image(3, 3)])
            state.note_training("other", 1, digest="d1", time=None, images=[image(4, 4)])
        newest = state.data_of_training("s", 1)
        assert newest is not None
        assert (newest.digest, newest.time) == ("d2", None)
        assert state.images_of(newest) == [image(1, 1), image(2, 2)]
        assert {one.patient for one in state.trained_images("s")} == {b"patient1", b"patient2", b"patient3"}
        assert state.data_of_training("s", 3) is None


def test_the_same_data_are_noted_once_with_the_time_of_the_first(tmp_path: Path) -> None:
    with State(tmp_path / "state.db") as state:
        for time in ("2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"):
            with state.transaction():
                state.note_training("s", 1, digest="d", time=time, images=[image(1, 1)])
        found = state.data_of_training("s", 1)
        assert found is not None
        assert found.time == "2026-01-01T00:00:00Z"
        assert len(state.images_of(found)) == 1


def test_a_state_of_an_earlier_version_gets_the_tables(tmp_path: Path) -> None:
    State(tmp_path / "state.db").__exit__()
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute("DROP TABLE training_data")
        database.execute("DROP TABLE trained_image")
    with State(tmp_path / "state.db") as state:
        assert state.trained_images("s") == []


def rows(*given: tuple[str, str, str]) -> list[IndexRow]:
    return [(content.encode(), patient.encode(), label) for content, patient, label in given]


def test_changes_are_counted_by_kind_and_said_in_words() -> None:
    before = rows(("a", "1", "x"), ("b", "1", "x"), ("c", "2", "x"), ("d", "3", "x"), ("e", "4", "y"))
    after = rows(("a", "1", "y"), ("b", "1", "y"), ("c", "2", "x"), ("f", "5", "x"), ("g", "4", "y"))
    found = IndexChanges.between(before, after)
    assert found == IndexChanges(labels=2, new=1, gone=1, other_images=1)
    assert str(found) == "2 labels changed, 1 patient is new, 1 patient is gone, 1 patient has other images"
    same = IndexChanges.between(before, before)
    assert not same
    assert str(same) == "nothing changed"


def test_an_image_that_went_to_another_patient_changed_both() -> None:
    before, after = rows(("a", "1", "x"), ("b", "2", "x")), rows(("a", "2", "x"), ("b", "1", "x"))
    assert IndexChanges.between(before, after) == IndexChanges(other_images=2)
