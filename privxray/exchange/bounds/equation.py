"""The one equation that a proof is about, and its value where the numbers are hidden.

With the weight tau, roots a, b, c of each inequality and the sums z of the rows R,

    Q = sum over j of tau^j (p_j^2 - q_j^2 + 1 - a_j^2 - b_j^2 - c_j^2)
      + sum over k of tau^(m + k) (R_k v + y_k - z_k),      j from 1 to m, k from 1 to 128,

where v is the vector with all roots. Q = 0 for one tau that was drawn after all of them were fixed, but for a
chance of (m + 128) / L, only where each bracket is zero modulo L (Schwartz 1980).

A proof shows s = e w + mu for each number w, with a random mu. Put into Q, with every constant times e and
every linear term times e, that gives e^2 Q + e t_1 + t_0: where Q = 0, a value that was committed to before
e.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from privxray.exchange.bounds.rows import Rows, combined
from privxray.exchange.bounds.statement import ROWS, Statement
from privxray.exchange.commitments.group import ORDER


@dataclass(frozen=True)
class Equation:
    """Q, for one proof.

    :param weight: tau.
    :param sums: z, shape [128].
    """

    statement: Statement
    rows: Rows
    weight: int
    sums: Sequence[int]

    def value(self, vector: Sequence[int], roots: Sequence[int], challenge: int) -> int:
        """What Q becomes at e and s: e^2 Q + e t_1 + t_0, modulo L.

        :param vector: s_x, shape [d]; roots: s_w, shape [3 m + 128].
        :param challenge: e.
        """
        numbers = self.statement.with_total(vector)
        total, weight = 0, 1
        for place, rule in enumerate(self.statement.inequalities):
            p, q = rule.sides(numbers, challenge)
            a, b, c = roots[3 * place : 3 * place + 3]
            weight = weight * self.weight % ORDER
            total += weight * ((p * p - q * q + challenge * challenge - a * a - b * b - c * c) % ORDER)
        return (total + challenge * self._linear(vector, roots, weight, challenge)) % ORDER

    def cross(
        self, vector: Sequence[int], roots: Sequence[int], masks: tuple[Sequence[int], Sequence[int]]
    ) -> int:
        """t_1, modulo L, of the real numbers and what hides them.

        :param masks: the parts of mu, in the shapes of ``vector`` and ``roots``.
        """
        numbers, hidden = self.statement.with_total(vector), self.statement.with_total(masks[0])
        total, weight = 0, 1
        for place, rule in enumerate(self.statement.inequalities):
            (p, q), (p_mask, q_mask) = rule.sides(numbers, 1), rule.sides(hidden, 0)
            squares = sum(roots[at] * masks[1][at] for at in range(3 * place, 3 * place + 3))
            weight = weight * self.weight % ORDER
            total += weight * (2 * (p * p_mask - q * q_mask - squares) % ORDER)
        return (total + self._linear(*masks, weight, 0)) % ORDER

    def _linear(self, vector: Sequence[int], roots: Sequence[int], weight: int, challenge: int) -> int:
        """The second sum of Q at s, less the factor e that all of it has."""
        short = 3 * len(self.statement.inequalities)
        total, hiding = 0, roots[short : short + ROWS]
        for row, y, z in zip(combined(self.rows, [*vector, *roots[:short]]), hiding, self.sums, strict=True):
            weight = weight * self.weight % ORDER
            total += weight * ((row + y - challenge * z) % ORDER)
        return total
