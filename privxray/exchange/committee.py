"""The keyholders of a plan: who they are, and the numbers that make them safe.

A round in the mode ``keyholders`` may go on without hospitals that don't deliver. What opens its sum is
shared among k keyholders, of whom any t suffice (docs/SPEC.md, section 7). A lying coordinator's best move is
to ask some keyholders to open the sum with a hospital and others the sum without it; the difference is that
hospital's vector. Each question needs t answers, an honest keyholder answers one of the two, a corrupt one
both, so with c corrupt ones at most (k - c) + 2c = k + c answers are to be had, and 2t > k + c keeps it from
having both.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from privxray.errors import RefusedError
from privxray.formats.header import Fingerprint, Strict
from privxray.keys.roster import Roster
from privxray.keys.unsealing import UnsealingStatement

MAX_KEYHOLDERS = 16
MIN_COHORT = 3


class Seat(Strict):
    """A keyholder, by its fingerprint in the roster, and its unsealing key for this round."""

    keyholder: Fingerprint
    unsealing: UnsealingStatement


class Committee(Strict):
    """``seats`` are numbered from 1: seat x holds the shares at point x.

    ``threshold`` is t, ``corrupt_keyholders`` c, and ``corrupt_hospitals`` how many hospitals may be in
    league with the coordinator. ``minimum_cohort`` is the least number of hospitals whose sum is opened.
    """

    threshold: Annotated[int, Field(ge=1, le=MAX_KEYHOLDERS)]
    corrupt_keyholders: Annotated[int, Field(ge=0, le=MAX_KEYHOLDERS)]
    corrupt_hospitals: Annotated[int, Field(ge=0, le=100)]
    minimum_cohort: Annotated[int, Field(ge=0, le=100)]
    seats: Annotated[tuple[Seat, ...], Field(strict=False, max_length=MAX_KEYHOLDERS)]

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """t, c, the corrupt hospitals and the minimum cohort: what a study keeps whoever sits."""
        return (self.threshold, self.corrupt_keyholders, self.corrupt_hospitals, self.minimum_cohort)

    def seat(self, fingerprint: str) -> int | None:
        """The number, from 1, of the seat that this party has, if it has one."""
        holders = [seat.keyholder for seat in self.seats]
        return holders.index(fingerprint) + 1 if fingerprint in holders else None

    def verify(self, roster: Roster, study: str) -> None:
        """What every recipient of a plan checks, for nobody may lean on the coordinator's care.

        :raises RefusedError: numbers that are unsafe, a keyholder that is not of the roster or sits twice, a
            trustee without a seat.
        :raises IdentityError: an unsealing key that is not its owner's.
        """
        k, t, c = len(self.seats), self.threshold, self.corrupt_keyholders
        if c < 1:
            raise RefusedError("the plan assumes that no keyholder is corrupt or restored from a backup")
        if t > k - 1:
            raise RefusedError(
                f"with {k} keyholders of which {t} must answer, one that is missing stops the round",
                advice=f"With {c} corrupt, {c + 3} keyholders and a threshold of {c + 2} is the least",
            )
        if 2 * t <= k + c:
            raise RefusedError(
                f"{t} of {k} keyholders could open two different sums if {c} of them are corrupt",
                advice=f"The threshold must be at least {(k + c) // 2 + 1}",
            )
        least = max(MIN_COHORT, self.corrupt_hospitals + 2)
        if self.corrupt_hospitals < 1 or not least <= self.minimum_cohort <= len(roster.members):
            raise RefusedError(
                f"the plan would open the sum of {self.minimum_cohort} hospitals, with "
                f"{self.corrupt_hospitals} in league with the coordinator",
                advice="At least one is to be assumed; then the sum needs two more, and three in any case",
            )
        holders = [seat.keyholder for seat in self.seats]
        keys = [seat.unsealing.key for seat in self.seats]
        if len(set(holders)) < k or len(set(keys)) < k:
            raise RefusedError("two keyholders of the plan are the same, or have the same unsealing key")
        if any(trustee.keys.fingerprint not in holders for trustee in roster.trustees):
            raise RefusedError("a trustee of the roster is no keyholder")
        for seat in self.seats:
            party = roster.party(seat.keyholder)
            if party is None:
                raise RefusedError("a keyholder of the plan is not in its roster")
            seat.unsealing.verify(party.keys)
            if not seat.unsealing.succeeds(None, study):
                raise RefusedError(f"the unsealing key of {party.name} was made for another study")
