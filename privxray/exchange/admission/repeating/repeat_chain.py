"""Plans that repeat one another, and what follows for who may be in their sums (docs/adr/0145).

A vector that is sent under several plans may be added up under several plans. Two such sums must not differ
by a hospital that has not agreed to it. In the mode ``strict`` that is seen from the plans. With keyholders a
sum is of those that delivered, so each honest keyholder helps to open the sum of **one set of hospitals in
the whole chain**, less those that signed a waiver in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from privxray.errors import RefusedError
from privxray.exchange.admission.repeating.admit_consents import admit_refusal, admit_waiver
from privxray.exchange.admission.repeating.admit_faulty import proven_faulty
from privxray.exchange.messages.consents import RefusalHeader, taken_out
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.formats.header import Fingerprint, PlanHash


@dataclass(frozen=True)
class Chain:
    """A plan and those whose round it repeats.

    :param earlier: newest first, each repeated by the one before it, as far as this party followed them.
    """

    newest: PlanHeader
    earlier: tuple[SignedPlan, ...] = ()

    def free(self, since: PlanHash | None = None) -> frozenset[Fingerprint]:
        """The hospitals without which a round of the chain may be repeated.

        Each has signed a waiver, or an update that is not as it committed to.

        :param since: only rounds from this plan's on.
        :raises PrivxrayError: a waiver or update in one of the plans is not what it must be.
        """
        found: set[Fingerprint] = set()
        for plan, repeated in self._links():
            found |= {
                admit_waiver(taken_out(text), repeated).sender
                for text in (plan.without.waivers if plan.without else ())
            }
            found |= {proven_faulty(one, repeated) for one in (plan.without.faulty if plan.without else ())}
            if repeated.digest == since:
                break
        return frozenset(found)

    def refusing(self) -> Mapping[PlanHash, frozenset[Fingerprint]]:
        """By earlier plan, the keyholders that have sworn to answer nothing under it.

        :raises PrivxrayError: a refusal in one of the plans is not what it must be.
        """
        known = {signed.digest: signed for signed in self.earlier}
        found: dict[PlanHash, set[Fingerprint]] = {digest: set() for digest in known}
        for plan in self._plans():
            for text in plan.without.refusals if plan.without else ():
                envelope = taken_out(text)
                about = envelope.claim(RefusalHeader).plan
                if about in known:  # one who came later does not know what the older ones are about
                    found[about].add(admit_refusal(envelope, known[about]).sender)
        return {digest: frozenset(refusing) for digest, refusing in found.items()}

    def dead(self) -> frozenset[PlanHash]:
        """The earlier plans under which nothing was opened, and nothing ever will be.

        More than k - t + c of the k keyholders have refused. At most c of them lie, so at most t - 1 can have
        answered, and fewer than t shares open nothing.
        """
        refusing = self.refusing()
        return frozenset(
            one.digest
            for one in self.earlier
            if (committee := one.plan.committee) and len(refusing[one.digest]) >= committee.refusals_needed
        )

    def bound_by(self, answered: Mapping[PlanHash, Set[Fingerprint]]) -> frozenset[Fingerprint] | None:
        """The one set of hospitals whose sum may still be opened, for whoever answered before in the chain.

        :param answered: by plan, the hospitals of the sum that was helped to open under it.
        :returns: None where nothing is bound: nothing was answered, or only under plans that are dead.
        """
        dead = self.dead()
        for one in self.earlier:
            if answered.get(one.digest) and one.digest not in dead:
                return frozenset(answered[one.digest]) - self.free(since=one.digest)
        return None

    def expect_bound(
        self, answered: Mapping[PlanHash, Set[Fingerprint]], survivors: Set[Fingerprint]
    ) -> None:
        """Whether a keyholder may help to open the sum of these hospitals under the newest plan.

        :param answered: as for :meth:`bound_by`.
        :raises RefusedError: it has helped to open the sum of others in a round that this one repeats.
        """
        bound = self.bound_by(answered)
        if bound is not None and bound != survivors:
            raise RefusedError(
                "this keyholder has helped to open the sum of other hospitals in a round that this one "
                "repeats",
                reason="request.other-hospitals-than-repeated",
                advice="Both sums together would show the vectors of those in one of them: don't help, and "
                "call the data officers of the hospitals",
            )

    def _plans(self) -> Iterator[PlanHeader]:
        yield self.newest
        yield from (one.plan for one in self.earlier)

    def _links(self) -> Iterator[tuple[PlanHeader, SignedPlan]]:
        """Each plan with the one that it repeats."""
        return zip(self._plans(), self.earlier, strict=False)
