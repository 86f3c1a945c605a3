"""The keyholders of a plan: who they are, and the numbers that make them safe.

A round in the mode ``keyholders`` may go on without hospitals that don't deliver. What opens its sum is
shared among k keyholders, of whom any t suffice (docs/SPEC.md, section 7). A lying coordinator's best move is
to ask some keyholders to open the sum with a hospital and others the sum without it; the difference is that
hospital's vector. Each question needs t answers, an honest keyholder answers one of the two, a corrupt one
both, so with c corrupt ones at most (k - c) + 2c = k + c answers are to be had, and 2t > k + c keeps it from
having both.

That is not enough. The answers to different requests combine secret by secret. Ask every keyholder for the
sum of another set, the victim in all of them: its seed is opened, and so is its key with each hospital that
t - c honest keyholders were told is missing, though no two of them were asked the same. The k - c honest
keyholders leave out n - m hospitals each, so at most (k - c)(n - m) / (t - c) can be taken out of the one sum
that is opened (:func:`most_left_out`; docs/adr/0064 has the proof), and of the n - h honest ones two must be
left.
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


def most_left_out(hospitals: int, minimum_cohort: int, keyholders: int, threshold: int, corrupt: int) -> int:
    """How many hospitals a coordinator can keep out of the opened sum by asking different keyholders for
    different sums: floor((k - c)(n - m) / (t - c)).

    :param corrupt: c, below ``threshold``.
    """
    return (keyholders - corrupt) * (hospitals - minimum_cohort) // (threshold - corrupt)


def least_cohort(
    hospitals: int, keyholders: int, threshold: int, corrupt: int, corrupt_hospitals: int
) -> int:
    """The least minimum cohort m under which every sum that can be opened is of two honest hospitals or more.

    n where there is none: a plan with these numbers is refused.
    """
    for m in range(max(MIN_COHORT, corrupt_hospitals + 2), hospitals):
        if threshold > corrupt and (
            hospitals - corrupt_hospitals - most_left_out(hospitals, m, keyholders, threshold, corrupt) >= 2
        ):
            return m
    return hospitals


class Seat(Strict):
    """A keyholder, by its fingerprint in the roster, and its unsealing key for this round."""

    keyholder: Fingerprint
    unsealing: UnsealingStatement


class Committee(Strict):
    """``seats`` are numbered from 1: seat x holds the shares at point x.

    ``threshold`` is t, ``corrupt_keyholders`` c, and ``corrupt_hospitals`` (h) how many hospitals may be in
    league with the coordinator. ``minimum_cohort`` (m) is the least number of hospitals whose sum a
    keyholder helps to open.
    """

    threshold: Annotated[int, Field(ge=1, le=MAX_KEYHOLDERS)]
    corrupt_keyholders: Annotated[int, Field(ge=0, le=MAX_KEYHOLDERS)]
    corrupt_hospitals: Annotated[int, Field(ge=0, le=100)]
    minimum_cohort: Annotated[int, Field(ge=0, le=100)]
    seats: Annotated[tuple[Seat, ...], Field(strict=False, max_length=MAX_KEYHOLDERS)]

    @property
    def numbers(self) -> tuple[int, int, int]:
        """t, c and the corrupt hospitals: what a study keeps whoever sits."""
        return (self.threshold, self.corrupt_keyholders, self.corrupt_hospitals)

    def seat(self, fingerprint: Fingerprint) -> int | None:
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
                f"where {t} of {k} keyholders must answer, one that is missing stops the round",
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
        n, m, h = len(roster.members), self.minimum_cohort, self.corrupt_hospitals
        if n - h - most_left_out(n, m, k, t, c) < 2:
            raise RefusedError(
                f"asked for different sums of {m} of {n} hospitals, the keyholders could between them open "
                "the vector of a single one",
                advice=f"The minimum cohort must be {least_cohort(n, k, t, c, h)} or more, or t higher",
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
