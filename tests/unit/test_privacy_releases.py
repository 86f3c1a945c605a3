"""Saved releases come back as they were, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from refusals import refused

from privxray.errors import BudgetError, MalformedError, RefusedError
from privxray.privacy.releases import ReleaseStore

ARRAYS = {"a": np.arange(6, dtype=np.float64).reshape(2, 3) / 7, "b": np.ones(3, np.float32)}


def test_a_release_comes_back_bit_for_bit(tmp_path: Path) -> None:
    key = os.urandom(32)
    store = ReleaseStore(tmp_path / "run", key)
    assert store.load(0) is None
    assert store.latest() is None
    store.save(0, ARRAYS)
    store.save(10, {"a": np.zeros(1)})
    again = ReleaseStore(tmp_path / "run", key)
    loaded = again.load(0)
    assert loaded is not None
    for name, array in ARRAYS.items():
        assert loaded[name].dtype == array.dtype
        assert np.array_equal(loaded[name], array)
    assert again.latest() == 10
    again.discard_before(10)
    assert again.load(0) is None
    assert again.load(10) is not None
    for path in (tmp_path / "run").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_release_is_never_replaced(tmp_path: Path) -> None:
    store = ReleaseStore(tmp_path / "run", os.urandom(32))
    store.save(0, ARRAYS)
    with refused(RefusedError, "file.exists"):
        store.save(0, {"a": np.zeros(1)})


def test_another_key_number_or_any_flipped_or_missing_byte_is_malformed(tmp_path: Path) -> None:
    key = os.urandom(32)
    store = ReleaseStore(tmp_path, key)
    store.save(0, ARRAYS)
    path = next(tmp_path.glob("release-*"))
    content = path.read_bytes()
    with refused(MalformedError, "release.altered"):
        ReleaseStore(tmp_path, os.urandom(32)).load(0)
    path.with_name(path.name.replace("0.bin", "1.bin")).write_bytes(content)
    with refused(MalformedError, "release.altered"):
        store.load(1)
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with refused(MalformedError, "release.altered"):
            store.load(0)
        path.write_bytes(content[:at])
        with refused(MalformedError, "release.cut-short" if at < 12 + 16 else "release.altered"):
            store.load(0)


def test_a_release_is_not_readable_without_the_key(tmp_path: Path) -> None:
    ReleaseStore(tmp_path, os.urandom(32)).save(0, {"answer": np.zeros(1000)})
    assert b"answer" not in next(tmp_path.glob("release-*")).read_bytes()


class Memory:
    advice = "Look under the sofa"

    def __init__(self) -> None:
        self.count = 0
        self.lost = False

    def saved(self) -> int:
        return self.count

    def remember(self, count: int) -> None:
        self.count = count

    def note_loss(self) -> None:
        self.lost = True


def test_an_answer_that_was_saved_and_is_gone_is_not_taken_for_one_never_drawn(tmp_path: Path) -> None:
    witness = Memory()
    store = ReleaseStore(tmp_path / "run", os.urandom(32), witness)
    assert store.load(0) is None
    for index in range(3):
        store.save(index, ARRAYS)
    assert witness.count == 3
    assert store.load(3) is None
    assert store.latest() == 2
    assert not witness.lost
    (tmp_path / "run" / "release-00000001.bin").unlink()
    with refused(BudgetError, "release.lost") as refusal:
        store.load(1)
    assert "step 2 of this training" in str(refusal.value)
    assert refusal.value.advice == "Look under the sofa"
    assert witness.lost
    witness.lost = False
    (tmp_path / "run" / "release-00000002.bin").unlink()
    with refused(BudgetError, "release.lost"):
        store.latest()
    assert witness.lost


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_the_last_answers_that_are_gone_are_missed(tmp_path: Path, lost: int) -> None:
    witness = Memory()
    store = ReleaseStore(tmp_path / "run", os.urandom(32), witness)
    for index in range(3):
        store.save(index, ARRAYS)
    for index in range(3 - lost, 3):
        (tmp_path / "run" / f"release-{index:08d}.bin").unlink()
    with refused(BudgetError, "release.lost") as refusal:
        store.latest()
    assert f"step {4 - lost} of this training" in str(refusal.value)
    assert refusal.value.file == str(tmp_path / "run")


def test_what_a_crash_left_half_written_is_swept_away(tmp_path: Path) -> None:
    ReleaseStore(tmp_path / "run", os.urandom(32))
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    left = tmp_path / "run" / ".release-00000000.bin.1.tmp"
    left.write_bytes(b"half of an answer")
    ReleaseStore(tmp_path / "run", os.urandom(32))
    assert not left.exists()


def test_an_answer_saved_by_a_process_that_died_before_it_was_remembered_is_used(tmp_path: Path) -> None:
    key = os.urandom(32)
    ReleaseStore(tmp_path / "run", key).save(0, ARRAYS)
    store = ReleaseStore(tmp_path / "run", key, Memory())
    assert store.latest() == 0
    assert store.load(0) is not None
