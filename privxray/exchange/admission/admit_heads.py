"""Whether a plan goes on from the files that this party has seen (docs/SPEC-2.md, section 7, docs/adr/0142).

A plan says which files its coordinator signed before it, and what each party stated that it had seen. So a
coordinator that showed its members different plans or models is found out by the next plan, at the latest.
"""

from __future__ import annotations

from dataclasses import dataclass

from privxray.errors import RefusedError
from privxray.exchange.messages.heads import START, Seen, Since, head_after
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.formats.header import Digest, Fingerprint

_PHONE = (
    "Don't follow it; phone the other hospitals, and compare the words of the plans and models that each "
    "has: privxray verify FILE"
)


@dataclass(frozen=True)
class Own:
    """What a party knows of its own, when it is to follow a plan.

    :param party: its fingerprint.
    :param followed: the plan that it followed last; None where it follows the first one of the study.
    :param request: the digest of the request that it answered under that plan, if it did.
    :param result: the digest of the model or summary of that plan that it accepted, if it did.
    """

    party: Fingerprint
    followed: SignedPlan | None = None
    request: Digest | None = None
    result: Digest | None = None


def check_heads(plan: PlanHeader) -> None:
    """The rules for ``head``, ``since`` and ``heads`` that need nothing but the plan.

    :raises RefusedError: the first plan of a study names files before it, or a party is listed twice.
    """
    if plan.heads is None:
        return
    parties = [one.party for one in plan.heads]
    if parties != sorted(set(parties)):
        raise RefusedError(
            "the plan lists what its parties have seen out of order, or a party twice",
            reason="heads.not-ascending",
            advice="The coordinator has to make another plan",
        )
    stated = (plan.head, plan.since, plan.heads)
    if plan.previous is None and stated != (START, Since(request=None, result=None), ()):
        raise RefusedError(
            "the plan is the first of its study, and names files of the coordinator before it",
            reason="heads.before-the-first",
            advice=_PHONE,
        )


def admit_heads(plan: PlanHeader, own: Own) -> None:
    """Whether a plan goes on from the files that this party, and all others, have seen.

    A party that is new, or that missed the plan before, compares the others with each other, and takes over
    what the plan says of the past.

    :raises RefusedError: this party has seen other files, or another party states that it has.
    """
    if plan.heads is None:
        return
    followed = own.followed
    if followed is not None and plan.previous == followed.digest:
        _expect_own_files(plan.since, own)
        _expect_own_log(plan, followed)
        _expect_all_of_the_sum(plan, followed)
    elif followed is not None and plan.round == followed.plan.round + 1:
        raise RefusedError(
            f"the plan goes on from another plan of round {followed.plan.round} than the one that was "
            "followed here",
            reason="heads.second-plan",
            advice=_PHONE,
        )
    for one in plan.heads:
        if _goes_on(one.head, plan) != plan.head:
            raise _other_files(one, plan, own)


def _expect_own_files(since: Since | None, own: Own) -> None:
    """Whether the files that the plan names are those that came here, as far as any came.

    :raises RefusedError: they are others.
    """
    if since is None:
        return  # the coordinator does not know any more: plan_changes says so
    if own.result is not None and since.result != own.result:
        raise RefusedError(
            "the plan names another model of the round before than the one that was accepted here, or none",
            reason="heads.other-result",
            advice=_PHONE,
        )
    if own.request is not None and since.request != own.request:
        raise RefusedError(
            "the plan names another request of the round before than the one that was answered here, or none",
            reason="heads.other-request",
            advice=_PHONE,
        )


def _expect_own_log(plan: PlanHeader, followed: SignedPlan) -> None:
    if plan.head != _goes_on(followed.head_after, plan):
        raise RefusedError(
            "the plan goes on from other files of the coordinator than those that came here",
            reason="heads.other-log",
            advice=_PHONE,
        )


def _expect_all_of_the_sum(plan: PlanHeader, followed: SignedPlan) -> None:
    """In the mode ``strict`` everybody is in a sum, so everybody has stated what it had seen.

    :raises RefusedError: there is a result, and a hospital is not listed.
    """
    if followed.plan.heads is None or followed.plan.committee is not None:
        return
    if plan.heads is None or plan.since is None or plan.since.result is None:
        return
    listed = {one.party for one in plan.heads}
    lacking = [m.name for m in followed.plan.roster.members if m.keys.fingerprint not in listed]
    if lacking:
        raise RefusedError(
            f"the plan does not say what these hospitals have seen, and they are in the sum: "
            f"{', '.join(lacking)}",
            reason="heads.hospital-lacking",
            advice=_PHONE,
        )


def _goes_on(head: Digest, plan: PlanHeader) -> Digest:
    """The head before a plan, for whoever had this one after the plan before."""
    return head_after(head, *(plan.since.files() if plan.since else ()))


def _other_files(one: Seen, plan: PlanHeader, own: Own) -> RefusedError:
    if one.party == own.party:
        return RefusedError(
            "the plan says that this party has seen other files of the coordinator than it has",
            reason="heads.own-falsified",
            advice=_PHONE,
        )
    before = own.followed.plan.roster.party(one.party) if own.followed else None
    party = plan.roster.party(one.party) or before
    name = party.name if party else f"the party with the key {one.party[:16]}"
    return RefusedError(
        f"{name} has seen other files of the coordinator than those that this plan goes on from",
        reason="heads.other-files",
        advice=f"Don't follow it; phone {name}, and compare the words of the last plan and model that each "
        "has: privxray verify FILE",
    )
