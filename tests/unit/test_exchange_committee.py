"""The numbers of a committee, held against every way in which its keyholders can be played off."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement
from typing import Any

import pytest
from exchange_samples import Hospital, Study

from privxray.errors import IdentityError, PrivxrayError, RefusedError
from privxray.exchange.sharing.committee import Committee, least_cohort, most_left_out
from privxray.keys.unsealing import UnsealingStatement


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
        return error.what
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
            refused = verdict(study, seated(study, k, threshold=t, corrupt_keyholders=c, minimum_cohort=5))
            if t > k - 1:
                assert refused is not None
                assert "one that is missing" in refused
            else:
                assert (refused is not None) == two_sums_open(k, t, c), (k, t, c)


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


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"corrupt_keyholders": 0}, "no keyholder is corrupt"),
        ({"corrupt_hospitals": 0}, "0 in league"),
        ({"minimum_cohort": 2}, "sum of 2"),
        ({"minimum_cohort": 6}, "sum of 6"),
        ({"corrupt_hospitals": 3, "minimum_cohort": 4}, "3 in league"),
        ({"corrupt_hospitals": 4, "minimum_cohort": 5}, "4 in league"),
        ({"minimum_cohort": 3}, "vector of a single one"),
        ({"threshold": 4}, "one that is missing"),
        ({"threshold": 2}, "two different sums"),
    ],
)
def test_unsafe_numbers_are_refused(study: Study, changes: dict[str, int], says: str) -> None:
    refused = verdict(study, seated(study, 4, **changes))
    assert refused is not None
    assert says in refused


def test_a_committee_of_three_is_refused_and_four_is_told() -> None:
    study = Study(hospitals=5, trustees=3)
    with pytest.raises(RefusedError, match="one that is missing stops the round") as caught:
        study.committee(threshold=3).verify(study.plan.roster, "pneumonia")
    assert "4 keyholders and a threshold of 3" in caught.value.advice
    with pytest.raises(RefusedError, match="two different sums"):
        study.committee(threshold=2).verify(study.plan.roster, "pneumonia")


def test_seats_are_of_the_roster_different_and_their_owners() -> None:
    study = Study(hospitals=5, trustees=4)
    good = study.committee()
    first, second, *rest = good.seats
    stranger = Hospital("stranger")
    a, b = study.trustees[:2]
    copied = UnsealingStatement.sign(b.unsealing.public(), None, 1, a.identity.signing)
    elsewhere = UnsealingStatement.sign(a.unsealing.public(), "cardiology", 1, a.identity.signing)
    cases: dict[str, tuple[type[PrivxrayError], Any]] = {
        "one sits twice": (RefusedError, (first, first.model_copy(), *rest)),
        "another's key": (RefusedError, (first.model_copy(update={"unsealing": copied}), second, *rest)),
        "another's statement": (
            IdentityError,
            (first.model_copy(update={"unsealing": stranger.unsealing_statement()}), second, *rest),
        ),
        "not of the roster": (
            RefusedError,
            (*study.committee([*study.trustees, stranger]).seats,),
        ),
        "a trustee without a seat": (
            RefusedError,
            study.committee([*study.trustees[:3], *study.hospitals]).seats,
        ),
        "a key for another study": (
            RefusedError,
            (first.model_copy(update={"unsealing": elsewhere}), second, *rest),
        ),
    }
    good.verify(study.plan.roster, "pneumonia")
    for error, seats in cases.values():
        k = len(seats)
        changed = good.model_copy(
            update={"seats": tuple(seats), "threshold": (k + 1) // 2 + 1, "minimum_cohort": 5}
        )
        with pytest.raises(error):
            changed.verify(study.plan.roster, "pneumonia")
