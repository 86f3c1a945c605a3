"""The numbers of a committee, held against every way in which its keyholders can be played off."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement
from typing import Any

import pytest
from exchange_samples import Study
from forged_files import refused

from privxray.errors import RefusedError
from privxray.exchange.sharing.committee import Committee, least_cohort, most_left_out


@pytest.fixture(scope="module")
def study() -> Study:
    return Study(hospitals=5, trustees=9)


def seated(study: Study, holders: int, **changes: Any) -> Committee:
    return study.committee(study.trustees[:holders], **changes)


def verdict(study: Study, committee: Committee) -> str | None:
    roster = study.plan.roster
    sitting = {seat.keyholder for seat in committee.seats}
    trustees = tuple(one for one in roster.trustees if one.keys.fingerprint in sitting)
    try:
        committee.verify(roster.model_copy(update={"trustees": trustees}), "pneumonia")
    except RefusedError as error:
        return error.reason
    return None


def two_sums_open(k: int, t: int, c: int) -> bool:
    """Whether asking each honest keyholder for one of two sums can open both; corrupt ones give both."""
    return any(
        first + c >= t and second + c >= t
        for first in range(k - c + 1)
        for second in range(k - c - first + 1)
    )


@pytest.mark.parametrize("k", range(1, 10))
def test_two_different_sums_open_exactly_where_the_rule_forbids_it(study: Study, k: int) -> None:
    for t in range(1, k + 1):
        for c in range(1, k):
            found = verdict(study, seated(study, k, threshold=t, corrupt_keyholders=c, minimum_cohort=5))
            if t > k - 1:
                assert found == "committee.nobody-may-miss"
            else:
                expected = "committee.two-sums" if two_sums_open(k, t, c) else None
                assert found == expected, (k, t, c)


def smallest_opened(n: int, m: int, k: int, t: int, c: int) -> tuple[int, int]:
    """Over all sets of at least m of n honest hospitals that k - c honest keyholders can be asked for: the
    size of the smallest sum that comes out, and the largest number of different sums that do at once.

    What comes out are the sums over the components of the graph of keys that stay closed, where all
    self-masks of the component are open (docs/adr/0064).
    """
    everybody = range(n)
    sets = [frozenset(some) for size in range(m, n + 1) for some in combinations(everybody, size)]
    smallest, most = n, 0
    for asked in combinations_with_replacement(sets, k - c):
        seeds = [sum(u in one for one in asked) + c >= t for u in everybody]
        closed = {
            u: [
                v
                for v in everybody
                if all(sum(a in one and b not in one for one in asked) + c < t for a, b in ((u, v), (v, u)))
            ]
            for u in everybody
        }
        sums, left = 0, set(everybody)
        while left:
            part, fresh = set(), {left.pop()}
            while fresh:
                part |= fresh
                fresh = {v for u in fresh for v in closed[u]} - part
            left -= part
            if all(seeds[u] for u in part):
                sums, smallest = sums + 1, min(smallest, len(part))
        most = max(most, sums)
    return smallest, most


SMALL = [
    (n, m, k, t, c)
    for n in (3, 4)
    for m in range(2, n + 1)
    for k in (3, 4)
    for c in range(k - 1)
    for t in range(c + 1, k + 1)
    if 2 * t > k + c
] + [(5, m, 4, 3, 1) for m in (2, 3, 4)]


@pytest.mark.parametrize(("n", "m", "k", "t", "c"), SMALL)
def test_mixed_requests_open_one_sum_and_none_smaller_than_the_bound(
    n: int, m: int, k: int, t: int, c: int
) -> None:
    smallest, most = smallest_opened(n, m, k, t, c)
    assert smallest == max(1, n - most_left_out(n, m, k, t, c)), "the bound is tight"
    assert most == 1


def test_two_sums_open_at_once_where_the_first_rule_is_broken() -> None:
    """The search above is not blind: with 2t = k + c it finds several."""
    assert smallest_opened(3, 1, 2, 1, 0)[1] > 1


@pytest.mark.parametrize(("k", "t", "c", "h"), [(4, 3, 1, 1), (5, 4, 1, 2), (7, 5, 2, 1), (9, 7, 3, 2)])
def test_the_least_cohort_is_the_first_that_verify_admits(
    study: Study, k: int, t: int, c: int, h: int
) -> None:
    admitted = [
        m
        for m in range(6)
        if verdict(
            study,
            seated(study, k, threshold=t, corrupt_keyholders=c, corrupt_hospitals=h, minimum_cohort=m),
        )
        is None
    ]
    assert admitted == list(range(least_cohort(5, k, t, c, h), 6))


ADVICE: dict[str, tuple[dict[str, int], str]] = {
    "committee.two-sums": ({"threshold": 2}, "at least 3"),
    "committee.nobody-may-miss": ({"threshold": 4}, "With 1 corrupt, 4 keyholders and a threshold of 3"),
    "committee.cohort-too-small": ({"corrupt_hospitals": 3, "minimum_cohort": 4}, "5 or more"),
    "committee.cohort-too-large": ({"minimum_cohort": 6}, "5 or less"),
    "committee.one-hospital-left": ({"minimum_cohort": 3}, "4 or more"),
}


@pytest.mark.parametrize("reason", ADVICE)
def test_unsafe_numbers_are_refused_with_those_that_are_safe(study: Study, reason: str) -> None:
    changes, advice = ADVICE[reason]
    committee = seated(study, 4, **changes)
    trustees = study.plan.roster.trustees[:4]
    with refused(reason) as told:
        committee.verify(study.plan.roster.model_copy(update={"trustees": trustees}), "pneumonia")
    assert advice in told.value.advice


@pytest.mark.parametrize(("h", "least"), [(1, 3), (2, 4), (3, 5)])
def test_a_sum_is_of_three_hospitals_and_of_two_more_than_are_corrupt(
    study: Study, h: int, least: int
) -> None:
    """With ten keyholders of whom nine open, the mixture of requests leaves these numbers alone."""
    study = Study(hospitals=6, trustees=15)
    for m in range(least - 1, 7):
        reason = verdict(study, study.committee(threshold=14, corrupt_hospitals=h, minimum_cohort=m))
        assert (reason == "committee.cohort-too-small") == (m < least), (m, reason)


def test_a_committee_of_three_is_refused_and_four_is_told() -> None:
    study = Study(hospitals=5, trustees=3)
    with refused("committee.nobody-may-miss") as told:
        study.committee(threshold=3).verify(study.plan.roster, "pneumonia")
    assert "4 keyholders and a threshold of 3" in told.value.advice
    assert told.value.what == "the plan names 3 keyholders, and 4 are needed"
    with refused("committee.two-sums"):
        study.committee(threshold=2).verify(study.plan.roster, "pneumonia")


def test_the_least_cohort_is_everybody_if_none_is_safe() -> None:
    assert least_cohort(5, 4, 3, 3, 1) == 5  # the corrupt ones open every sum alone
    assert least_cohort(3, 4, 3, 1, 1) == 3
    assert least_cohort(4, 4, 3, 1, 2) == 4


@pytest.mark.parametrize(("holders", "says"), [(1, "names 1 keyholder, and"), (2, "names 2 keyholders, and")])
def test_one_keyholder_is_no_plural(study: Study, holders: int, says: str) -> None:
    with refused("committee.nobody-may-miss") as told:
        seated(study, holders, threshold=holders, minimum_cohort=5).verify(study.plan.roster, "pneumonia")
    assert says in str(told.value)


def test_seats_are_numbered_from_one() -> None:
    study = Study(hospitals=5, trustees=4)
    committee = study.committee()
    assert [committee.seat(one.fingerprint) for one in study.trustees] == [1, 2, 3, 4]
    assert committee.seat(study.hospitals[0].fingerprint) is None
    assert study.plan.seated(study.trustees[2].fingerprint) == (study.plan.committee, 3)
    assert study.plan.seated(study.hospitals[0].fingerprint) is None
    assert Study().plan.seated(study.trustees[2].fingerprint) is None
