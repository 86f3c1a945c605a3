"""What is too much for memory: records in a spool, first values, and digests that are sorted on the disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from privxray.workspace.disk_tables import FirstValues, sorted_on_disk
from privxray.workspace.spool import Spool


def test_records_come_back_in_any_order_while_others_are_added() -> None:
    spool = Spool()
    for number in range(300):
        spool.append(b"%d" % number * (number % 7))
        assert spool[number // 2] == b"%d" % (number // 2) * (number // 2 % 7)
    assert list(spool) == [b"%d" % number * (number % 7) for number in range(300)]
    assert len(spool) == 300
    for place in (300, -1):
        with pytest.raises(IndexError):
            spool[place]


def test_a_spool_has_no_name_and_can_not_be_read_without_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spool = Spool()
    spool.append(b"Zwiebelmann^Anna" * 1000)
    assert list(tmp_path.iterdir()) == []
    spool._file.seek(0)
    assert b"Zwiebelmann" not in spool._file.read()


def test_the_first_value_of_a_relation_stays() -> None:
    values = FirstValues()
    least, most = -(1 << 63), (1 << 63) - 1
    assert values.first(0, least, most) == most
    assert values.first(0, least, 5) == most
    assert values.first(1, least, 5) == 5
    assert values.first(0, most, 7) == 7


def test_digests_are_sorted_and_none_is_lost() -> None:
    digests = [hashlib.sha256(b"%d" % (number % 900)).digest() for number in range(1000)]
    assert list(sorted_on_disk(iter(digests))) == sorted(digests)
