"""Checking proofs that vectors keep to their plan's bounds: all of a round at once.

For one proof a verifier checks that |z_k| <= T / 2 for all k, and

    commitment to s_x                =  e C + M_x        (numbers 0 to d - 1)
    commitment to s_w                =  e D + M_w        (numbers d to d + 3 m + 127)
    value of Q at s  G'  +  theta H  =  e T_1 + T_0

Two answers to different e give the vector behind C and the numbers behind D. As z is that of *these* numbers,
they are at most T in magnitude (:mod:`.rows`), so each equation of Q holds between whole numbers, and each
inequality is true.

Multiplying points is what costs. So the three equations of all proofs are each multiplied by a random number
of 128 bits and added up; if one is false, the sum is with a chance of 2^-128 (Bellare, Garay and Rabin 1998,
the small exponents test). A generator is then multiplied once for all hospitals.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from privxray.exchange.bounds.bound_proof import RELATION, Challenges, Claim
from privxray.exchange.bounds.equation import Equation
from privxray.exchange.bounds.rows import rows_of
from privxray.exchange.bounds.statement import Statement
from privxray.exchange.commitments.group import NEUTRAL, ORDER, combine, generators
from privxray.exchange.commitments.pedersen import BLINDING

Party = TypeVar("Party")


class ReadOneByOne(Mapping[Party, Claim | None]):
    """Claims that are read whenever they are looked at: as numbers, a proof takes twice its bytes.

    :param readers: by party, what reads its claim.
    """

    def __init__(self, readers: Mapping[Party, Callable[[], Claim | None]]) -> None:
        self._readers = readers

    def __getitem__(self, party: Party) -> Claim | None:
        return self._readers[party]()

    def __iter__(self) -> Iterator[Party]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)


def out_of_bounds(statement: Statement, claims: Mapping[Party, Claim | None]) -> list[Party]:
    """Those who claim nothing, or whose proof does not hold, in the order of the claims.

    If all hold, 50 take little longer than one. Where one of n does not, halving finds it in some 2 log2(n)
    more such checks.
    """
    return _found(statement, claims, list(claims))


def _found(
    statement: Statement, claims: Mapping[Party, Claim | None], parties: Sequence[Party]
) -> list[Party]:
    if _all_hold(statement, (claims[party] for party in parties)):
        return []
    if len(parties) == 1:
        return list(parties)
    half = len(parties) // 2
    return [
        *_found(statement, claims, parties[:half]),
        *_found(statement, claims, parties[half:]),
    ]


def _all_hold(statement: Statement, claims: Iterable[Claim | None]) -> bool:
    most, size = statement.longest // 2, statement.size
    on_generators = [0] * statement.length
    on_blinding, on_relation = 0, 0
    scalars: list[int] = []
    points: list[bytes] = []
    for claim in claims:
        if claim is None:
            return False
        proof, announced = claim.proof, claim.proof.announced
        if any(abs(number) > most for number in proof.sums):
            return False
        challenges = Challenges(claim.about, claim.commitment)
        rows = rows_of(challenges.seed_of_rows(announced.roots), statement.short)
        equation = Equation(statement, rows, challenges.weight(proof.sums), proof.sums)
        e = challenges.challenge(announced)
        first, second, third = (secrets.randbits(128) for _ in range(3))
        for at, number in enumerate(proof.vector[:-1]):
            on_generators[at] += first * number
        for at, number in enumerate(proof.roots[:-1], size):
            on_generators[at] += second * number
        on_relation += third * equation.value(proof.vector[:-1], proof.roots[:-1], e)
        on_blinding += first * proof.vector[-1] + second * proof.roots[-1] + third * proof.relation
        scalars += [-first * e, -first, -second * e, -second, -third, -third * e]
        points += [claim.commitment, announced.mask, announced.roots, announced.mask_roots,
                   announced.constant, announced.linear]  # fmt: skip
    all_scalars = [number % ORDER for number in (*on_generators, on_blinding, on_relation, *scalars)]
    return combine(all_scalars, [*generators(statement.length), BLINDING, RELATION, *points]) == NEUTRAL
