"""The rules between a plan that repeats a failed round and those that it repeats (docs/SPEC-2.md, section 6).

A second sum of the same vectors tells nothing new where both sums are of the same hospitals. So in the mode
``strict`` the hospitals of the repetition are those of the failed round, less the ones that signed a waiver,
or whose update everybody can see to be wrong. With keyholders, who is in a sum is not in the plan: there each
keyholder helps to open the sum of one set of hospitals in the whole chain (:mod:`.repeat_chain`), and here it
is checked that the keyholders of both plans are so far the same that this binds the coordinator.

Those that train anew show the difference between their two vectors to whoever sees both sums; they alone,
and they are told. Why all of this holds: docs/adr/0113 and docs/adr/0145.
"""

from __future__ import annotations

from collections.abc import Sequence

from privxray.errors import RefusedError
from privxray.exchange.admission.admit_successor import task_terms_of, terms_of
from privxray.exchange.admission.repeating.repeat_chain import Chain
from privxray.exchange.messages.plan import PlanHeader, SignedPlan

_CALL = "Don't follow it; call the coordinator"


def admit_repeat(plan: PlanHeader, followed: SignedPlan, earlier: Sequence[SignedPlan] = ()) -> None:
    """Whether a plan may repeat the round of the plan that this party followed last.

    :param earlier: the plans whose rounds ``followed`` repeats, newest first.
    :raises RefusedError: it repeats another coordinator's round, another one, under other terms, among other
        hospitals, or with keyholders who could open a second sum.
    :raises PrivxrayError: a waiver or refusal in it is not what it must be.
    """
    if plan.repeats is None:
        return
    before = followed.plan
    if plan.sender != before.sender:
        raise RefusedError(
            "the plan of a new coordinator repeats a round of the one before, whose key may be in other "
            "hands",
            reason="repeat.other-coordinator",
            advice="The round has to be planned anew: privxray plan cards/*.card --continue",
        )
    if plan.repeats.plan != followed.digest or plan.place != before.place:
        raise RefusedError(
            "the plan repeats another round than the one that was followed here",
            reason="repeat.other-round",
            advice="Ask the coordinator for the plan in between",
        )
    if _terms(plan) != _terms(before):
        raise RefusedError(
            "the plan repeats a round under other terms", reason="repeat.other-terms", advice=_CALL
        )
    chain = Chain(plan, (followed, *earlier))
    _check_hospitals(plan, before, chain)
    _check_keyholders(plan, chain)


def _terms(plan: PlanHeader) -> tuple[object, ...]:
    return (*terms_of(plan), *task_terms_of(plan), plan.bounds, plan.body.sha256)


def _check_hospitals(plan: PlanHeader, before: PlanHeader, chain: Chain) -> None:
    """Who left has signed a waiver or a wrong update, unless keyholders guard it; nobody came.

    :raises RefusedError: it is not so, or a hospital that is to be left out is still there.
    """
    free = chain.free(since=chain.earlier[0].digest)
    if free & set(plan.hospitals):
        raise RefusedError(
            "the plan repeats a round without a hospital, and that hospital is still in it",
            reason="repeat.waived-and-there",
            advice=_CALL,
        )
    left = set(before.hospitals) - set(plan.hospitals)
    came = set(plan.hospitals) - set(before.hospitals)
    if came or (plan.committee is None and left != free):
        raise RefusedError(
            "the plan repeats a round among other hospitals, so both sums together would show the vectors of "
            "those that came, or that left and have not agreed to it",
            reason="repeat.other-hospitals",
            advice=_CALL,
        )


def _check_keyholders(plan: PlanHeader, chain: Chain) -> None:
    """No two quorums of the chain open sums of different hospitals.

    :raises RefusedError: an earlier round may have been opened by keyholders of whom too few are left.
    """
    if plan.committee is None:
        return
    dead = chain.dead()
    for one in chain.earlier:
        if one.digest not in dead and not plan.keyholding.shares_quorums_with(one.plan.keyholding):
            raise RefusedError(
                f"the plan repeats round {one.plan.round} with so many other keyholders that they could open "
                "the sum of other hospitals than those of that round",
                reason="repeat.other-keyholders",
                advice=_CALL,
            )
