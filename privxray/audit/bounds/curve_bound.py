"""From right guesses to a trade-off curve that they refute.

After Mahloujifar, Melis and Chaudhuri 2024, "Auditing f-differential privacy in one run" (arXiv 2410.22235;
ICML 2025), their algorithm for an adversary who makes a fixed number of guesses. Theorem 5.2 of Steinke et
al. holds (epsilon, delta) against the guesses: one point of the curve. Here the whole curve is held against
them, so less is given away.

*Why it holds.* There are m fair coins and g guesses, of which C are right; p_c is the probability of C = c.
Let a_c be the chance that a random canary is guessed, rightly, with C >= c, and b_c that it is guessed,
wrongly, with C >= c: a_c is the sum over j >= c of j p_j / m, and b_c that of (g - j) p_j / m. Fix all
coins but one. That its guess is "in" and that c - 1 other guesses or more are right is an event of the
training's output. If the coin is in, this is a right guess with C >= c; if it is out, a wrong one with C >=
c - 1. So the curve f bounds one by the other, in both directions, and since it is convex also on average
over coins and canaries: b_(c-1) >= f^(-1)(a_c), with f^(-1)(a) for the least chance of a wrong guess that
goes with the chance a of a right one. Down from P[C >= c] = level this gives the least that a_0 + b_0 can
be; a larger tail only makes it larger. But a_0 + b_0 = g / m. Where the least exceeds that, c or more right
guesses are less probable than the level.

It holds for every training, every attacker and every dependence between canaries, like theorem 5.2. What is
refuted is a curve. To make an epsilon of it one has to say which curves there are: here those of Gaussian
noise, mu-GDP. Tested in tests/unit/test_audit_bounds.py.
"""

from __future__ import annotations

from privxray.audit.bounds.epsilon_bound import largest


def refutes_curve(canaries: int, guesses: int, right: int, mu: float, level: float) -> bool:
    """Whether a mu-GDP training has ``right`` or more right guesses with a probability below ``level``."""
    from scipy.special import ndtr, ndtri

    if not right:
        return False
    # a and b of the module's text, from c = right downwards.
    a, b = level * right / canaries, level * (guesses - right) / canaries
    whole = guesses / canaries
    for c in range(right - 1, -1, -1):
        # N(mu, 1) and N(0, 1): where the first has the chance a, the second has at least this one.
        wrong = max(b, float(ndtr(ndtri(a) - mu)))
        a, b = a + c / (guesses - c) * (wrong - b), wrong
        if a + b > whole:
            return True
    return False


def largest_refuted(canaries: int, guesses: int, right: int, level: float) -> float:
    """The largest mu at which a mu-GDP training is refuted at ``level``, rounded down; 0 where none is."""
    return largest(lambda mu: refutes_curve(canaries, guesses, right, mu, level), tolerance=1e-4)
