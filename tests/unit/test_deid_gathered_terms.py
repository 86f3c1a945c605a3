"""Gathering terms up to the limit: what is left out, and that parts merged give what one run gathers."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from privxray.deid.judging.gathered_terms import GatheredTerms
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.scan import IdentifyingValue, ValueKind


def gathered(values: Iterable[tuple[ValueKind, str]]) -> GatheredTerms:
    terms = GatheredTerms()
    for kind, value in values:
        terms.add(kind, value)
    return terms


def test_what_is_gathered_is_what_a_search_takes() -> None:
    values: list[IdentifyingValue] = [("name", "Müller^Anna Li"), ("id", "MRN-88 1234"), ("date", "19520130")]
    values.append(("place", "Elmwood Park Clinic"))
    assert gathered(values).leaks().to_json() == LeakSearch(values).to_json()
    assert not gathered([]).leaks()


def test_a_value_that_was_there_before_changes_nothing() -> None:
    terms = GatheredTerms()
    assert terms.add("id", "1234567")
    assert not terms.add("id", "1234567")
    assert not terms.add("id", "12")


def test_the_first_value_that_is_too_much_ends_the_gathering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privxray.deid.judging.leaks.MAX_VALUES", 3)
    terms = GatheredTerms()
    for number in ("1111111", "2222222", "3333333", "1111111"):
        terms.add("id", number)
    assert not terms.limited  # as many as there may be, and none is left out
    assert terms.add("id", "4444444")
    assert terms.limited
    assert not terms.add("id", "1111111")
    assert terms.leaks().words == {"1111111", "2222222", "3333333"}
    assert terms.leaks().limited


def test_parts_merged_give_what_one_run_gathers_wherever_the_limit_falls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = random.Random(1)
    for limit in range(0, 60, 3):
        monkeypatch.setattr("privxray.deid.judging.leaks.MAX_VALUES", limit)
        files: list[list[tuple[ValueKind, str]]] = [
            [
                ("id", str(rng.randrange(100_000, 100_020))),
                ("name", f"Abcd{rng.choice('efghij')}^Xyzw{rng.choice('abcde')}^Q"),
            ]
            for _ in range(30)
        ]
        one = gathered(value for file in files for value in file)
        for shards in (1, 2, 5):
            told = []
            for shard in range(shards):
                terms = GatheredTerms()
                for place in range(shard, len(files), shards):
                    told += [(place, value) for value in files[place] if terms.add(*value)]
            told.sort(key=lambda pair: pair[0])
            merged = gathered(value for _, value in told)
            assert merged.leaks().to_json() == one.leaks().to_json()
            assert merged.limited == one.limited
