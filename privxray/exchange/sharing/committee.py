"""The keyholders of a plan: who they are, and the numbers that make them safe.

A round in the mode ``keyholders`` may go on without hospitals that don't deliver. What opens its sum is
shared among k keyholders, and any t of them suffice (docs/SPEC.md, section 7).

A lying coordinator can ask some keyholders to open the sum with a hospital, and others to open the sum
without it. The difference is that hospital's vector. Each of the two requests needs t answers. An honest
keyholder answers one of them, a corrupt one both. With c corrupt ones there are at most (k - c) + 2c = k + c
answers, so 2t > k + c keeps the coordinator from having both.

That is not enough, because answers to different requests combine secret by secret. The coordinator can ask
every keyholder for the sum of another set, with the victim in all of them. That opens the victim's seed. It
also opens the victim's key with each hospital that t - c honest keyholders were told is missing, though no
two of them were asked for the same sum. The k - c honest keyholders leave out n - m hospitals each. So at
most (k - c)(n - m) / (t - c) hospitals can be taken out of the one sum that is opened (:func:`most_left_out`;
docs/adr/0064 has the proof). Of the n - h honest hospitals, two must be left.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from privxray.errors import RefusedError
from privxray.formats.header import Fingerprint, Strict
from privxray.keys.roster import Roster
from privxray.keys.unsealing_statement import UnsealingStatement

MAX_KEYHOLDERS = 16
MIN_COHORT = 3

_OTHER_PLAN = "The coordinator has to make another plan"


def most_left_out(hospitals: int, minimum_cohort: int, keyholders: int, threshold: int, corrupt: int) -> int:
    """How many hospitals a coordinator can keep out of the opened sum: floor((k - c)(n - m) / (t - c)).

    It does so by asking different keyholders for different sums.

    :param corrupt: c, below ``threshold``.
    """
    return (keyholders - corrupt) * (hospitals - minimum_cohort) // (threshold - corrupt)


def least_cohort(
    hospitals: int, keyholders: int, threshold: int, corrupt: int, corrupt_hospitals: int
) -> int:
    """The least minimum cohort m with which every sum that can be opened has two honest hospitals or more.

    If there is none, it is n, and a plan with these numbers is refused.
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

    ``threshold`` is t, ``corrupt_keyholders`` is c. ``corrupt_hospitals`` (h) is how many hospitals may be in
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

    @property
    def refusals_needed(self) -> int:
        """K - t + c + 1: with so many, fewer than t can have answered, c liars included."""
        return len(self.seats) - self.threshold + self.corrupt_keyholders + 1

    def shares_quorums_with(self, other: Committee) -> bool:
        """Whether an honest keyholder is in any t of these seats and in any t of the other committee's.

        With o keyholders in both committees, any two quorums have t + t' + o - k - k' of them in common. Of
        these, more than c have to be left. For a committee and itself that is 2t > k + c.
        """
        holders = {seat.keyholder for seat in self.seats}
        both = len(holders & {seat.keyholder for seat in other.seats})
        common = self.threshold + other.threshold + both - len(self.seats) - len(other.seats)
        return common > max(self.corrupt_keyholders, other.corrupt_keyholders)

    def seat(self, fingerprint: Fingerprint) -> int | None:
        """The number, from 1, of the seat that this party has, if it has one."""
        holders = [seat.keyholder for seat in self.seats]
        return holders.index(fingerprint) + 1 if fingerprint in holders else None

    def verify(self, roster: Roster, study: str) -> None:
        """What every recipient of a plan checks, for nobody may rely on the coordinator's care.

        :raises RefusedError: numbers that are unsafe, a keyholder that is not of the roster or sits twice, a
            trustee without a seat, or an unsealing key for another study.
        :raises IdentityError: an unsealing key that is not signed by its owner.
        :raises MalformedError: an unsealing key that is none.
        """
        self._check_threshold()
        self._check_minimum_cohort(len(roster.members))
        self._check_seats(roster, study)

    def _check_threshold(self) -> None:
        """The threshold t against k and c.

        :raises RefusedError: a keyholder that is missing could stop the round, or two sums could be opened.
        """
        k, t, c = len(self.seats), self.threshold, self.corrupt_keyholders
        if c < 1:
            raise RefusedError(
                "the plan assumes that no keyholder is corrupt or restored from a backup",
                reason="committee.no-corrupt-keyholder",
                advice="Plan with --corrupt-keyholders 1 or more",
            )
        if t > k - 1:
            named = f"the plan names {k} keyholder{'' if k == 1 else 's'}"
            raise RefusedError(
                f"{named}, and {c + 3} are needed"
                if k < c + 3
                else f"{named} and needs {t} answers, so one that is missing stops the round",
                reason="committee.nobody-may-miss",
                advice=f"With {c} corrupt, {c + 3} keyholders and a threshold of {c + 2} is the least. "
                "Trustees are keyholders, and --keyholder NAME makes a hospital one",
            )
        if 2 * t <= k + c:
            raise RefusedError(
                f"{t} of {k} keyholders could open two different sums if {c} of them are corrupt",
                reason="committee.two-sums",
                advice=f"The threshold must be at least {(k + c) // 2 + 1}",
            )

    def _check_minimum_cohort(self, n: int) -> None:
        """The minimum cohort m against n, the number of hospitals, and h.

        :raises RefusedError: a sum of too few honest hospitals could be opened, or none at all.
        """
        k, t, c = len(self.seats), self.threshold, self.corrupt_keyholders
        m, h = self.minimum_cohort, self.corrupt_hospitals
        if h < 1:
            raise RefusedError(
                "the plan assumes that no hospital is in league with the coordinator",
                reason="committee.no-corrupt-hospital",
                advice="Plan with --corrupt-hospitals 1 or more",
            )
        if m < max(MIN_COHORT, h + 2):
            raise RefusedError(
                f"the plan would open the sum of {m} hospitals, with {h} in league with the coordinator",
                reason="committee.cohort-too-small",
                advice=f"The minimum cohort must be {max(MIN_COHORT, h + 2)} or more",
            )
        if m > n:
            raise RefusedError(
                f"the plan would open the sum of {m} hospitals, and it has {n}",
                reason="committee.cohort-too-large",
                advice=f"The minimum cohort must be {n} or less; {n} hospitals may allow no {h} in league",
            )
        if n - h - most_left_out(n, m, k, t, c) < 2:
            raise RefusedError(
                f"asked for different sums of {m} of {n} hospitals, the keyholders could between them open "
                "the vector of a single one",
                reason="committee.one-hospital-left",
                advice=f"The minimum cohort must be {least_cohort(n, k, t, c, h)} or more, or t higher",
            )

    def _check_seats(self, roster: Roster, study: str) -> None:
        """Who sits, and with which keys.

        :raises RefusedError: somebody sits twice or is not of the roster, a trustee does not sit, or a key is
            for another study.
        :raises IdentityError: an unsealing key that is not signed by its owner.
        """
        holders = [seat.keyholder for seat in self.seats]
        if len(set(holders)) < len(holders):
            raise RefusedError(
                "two keyholders of the plan are the same",
                reason="committee.keyholder-twice",
                advice=_OTHER_PLAN,
            )
        if len({seat.unsealing.key for seat in self.seats}) < len(self.seats):
            raise RefusedError(
                "two keyholders of the plan have the same unsealing key",
                reason="committee.unsealing-key-twice",
                advice=_OTHER_PLAN,
            )
        if any(trustee.keys.fingerprint not in holders for trustee in roster.trustees):
            raise RefusedError(
                "a trustee of the roster is not a keyholder",
                reason="committee.trustee-without-seat",
                advice=_OTHER_PLAN,
            )
        for seat in self.seats:
            party = roster.party(seat.keyholder)
            if party is None:
                raise RefusedError(
                    "a keyholder of the plan is not in its roster",
                    reason="committee.keyholder-not-in-roster",
                    advice=_OTHER_PLAN,
                )
            seat.unsealing.verify(party.keys)
            if not seat.unsealing.succeeds(None, study):
                raise RefusedError(
                    f"the unsealing key of {party.name} was made for another study",
                    reason="committee.unsealing-key-of-other-study",
                    advice=f"{party.name} has to send a new card: privxray card --study {study}",
                )
