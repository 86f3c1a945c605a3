"""The sizes that a hospital may state, and what delta may be for hospitals of such a size.

docs/SPEC-2.md, section 3. Tested in tests/unit/test_exchange_sizes.py. Every command loads this: it has
no imports.
"""

from __future__ import annotations

from typing import Literal

Bracket = Literal[100, 1000, 10_000, 100_000]
BRACKETS: tuple[Bracket, ...] = (100, 1000, 10_000, 100_000)
"""The most patients that a hospital says it has."""

USUAL_BRACKET: Bracket = 1000
"""What a hospital states that is not asked and says nothing else."""

_ADVISED = {100: 1e-4, 1000: 1e-5, 10_000: 1e-6, 100_000: 1e-7}
_MOST = {100: 1e-3, 1000: 1e-4, 10_000: 1e-5, 100_000: 1e-6}


def advised_delta(bracket: int) -> float:
    """0.01 over the bracket: at this delta, at most 1 hospital in 100 has a patient who is not covered."""
    return _ADVISED[bracket]


def most_delta(bracket: int) -> float:
    """0.1 over the bracket: a larger delta is refused by everybody."""
    return _MOST[bracket]
