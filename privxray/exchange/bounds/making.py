"""Making a proof that a vector keeps to its plan's bounds.

What it tells about the vector, to whoever does not know it: the points are uniform, and so are s and theta,
given all the rest. The sums z of the rows are hidden by uniform numbers that are 2^``hiding`` times longer,
so they tell no more than that (as a statistical distance, over all 128). Numbers are as uniform as AES makes
them (:mod:`.proof_masks`). None of this rests on discrete logarithms; that a false proof can't be made does,
and on SHAKE-256 being taken for random.
"""

from __future__ import annotations

from collections.abc import Sequence

from privxray.errors import RefusedError
from privxray.exchange.bounds.bound_proof import RELATION, Announced, BoundProof, Challenges
from privxray.exchange.bounds.equation import Equation
from privxray.exchange.bounds.proof_masks import ProofMasks
from privxray.exchange.bounds.rows import combined, rows_of
from privxray.exchange.bounds.statement import ROWS, Statement
from privxray.exchange.bounds.three_squares import three_squares
from privxray.exchange.commitments.group import ORDER, centred, combine, generators
from privxray.exchange.commitments.pedersen import BLINDING, commit


def prove_bounds(statement: Statement, scalars: Sequence[int], about: bytes, commitment: bytes) -> BoundProof:
    """A proof that the vector behind a commitment keeps to a statement.

    :param scalars: shape [d + 1]: the vector and its blinding factor, as they are committed to.
    :param about: :func:`~privxray.exchange.bounds.bound_proof.subject`.
    :param commitment: C, the commitment to the scalars.
    :raises RefusedError: the vector does not keep to it.
    """
    size, places = statement.size, generators(statement.length)[statement.size :]
    vector = [centred(number) for number in scalars[:-1]]
    roots = [root for number in _differences(statement, vector) for root in three_squares(number)]
    drawn, width = ProofMasks(scalars, about, commitment), statement.longest // 2
    hiding = [number - width // 2 for number in drawn.below(width, ROWS)]  # y
    witness, (blinding,) = [*roots, *hiding], drawn.below(ORDER, 1)
    point = combine([*witness, blinding], [*places, BLINDING])

    challenges = Challenges(about, commitment)
    rows = rows_of(challenges.seed_of_rows(point), statement.short)
    plain = combined(rows, [number % ORDER for number in (*vector, *roots)])
    sums = [centred(row + y) for row, y in zip(plain, hiding, strict=True)]
    equation = Equation(statement, rows, challenges.weight(sums), sums)

    masks, others = drawn.below(ORDER, size + 1), drawn.below(ORDER, len(witness) + 1)
    theta = drawn.below(ORDER, 2)
    values = (
        equation.value(masks[:-1], others[:-1], 0),
        equation.cross(vector, witness, (masks[:-1], others[:-1])),
    )
    announced = Announced(
        point,
        commit(masks),
        combine(others, [*places, BLINDING]),
        *(combine(pair, [RELATION, BLINDING]) for pair in zip(values, theta, strict=True)),
    )
    e = challenges.challenge(announced)
    return BoundProof(
        announced,
        tuple(sums),
        tuple((e * number + mask) % ORDER for number, mask in zip(scalars, masks, strict=True)),
        tuple((e * number + mask) % ORDER for number, mask in zip([*witness, blinding], others, strict=True)),
        (e * theta[1] + theta[0]) % ORDER,
    )


def _differences(statement: Statement, vector: Sequence[int]) -> list[int]:
    """p^2 - q^2 + 1 of each inequality.

    :raises RefusedError: one of them does not hold.
    """
    numbers = statement.with_total(vector)
    sides = [rule.sides(numbers, 1) for rule in statement.inequalities]
    if any(abs(q) > p for p, q in sides):
        raise RefusedError(
            "the training result is outside of the bounds that the plan sets",
            reason="training.out-of-bounds",
            advice="Restore the workspace from a backup (privxray help backup), or ask the coordinator for "
            "another plan",
        )
    return [p * p - q * q + 1 for p, q in sides]
