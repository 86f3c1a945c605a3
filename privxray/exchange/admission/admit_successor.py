"""The rules between a plan and the one that its recipient followed before (docs/SPEC.md, section 4)."""

from __future__ import annotations

from privxray.errors import RefusedError
from privxray.exchange.messages.plan import PlanHeader, SignedPlan

_CALL = "Don't follow it; call the coordinator"


def admit_successor(plan: PlanHeader, followed: SignedPlan) -> None:
    """Whether a plan may follow the one that this party followed last.

    A plan with a new roster version may skip plans that this party was no member of. A stage may be planned
    again, under a higher round, if its sum could not be opened.

    :raises RefusedError: an older or equal round (a replay), another predecessor, another membership under an
        unchanged roster version, or another method, privacy target or committee in the middle of a study.
    """
    before = followed.plan
    if plan.round <= before.round:
        raise RefusedError(
            f"this plan is of round {plan.round}, and round {before.round} is here already",
            reason="plan.replayed",
            advice="Ask the coordinator for the newest plan",
        )
    skips = plan.previous != followed.digest
    if skips and plan.roster.version <= before.roster.version:
        # Under a higher version the key words settle what a party that was away has missed.
        raise RefusedError(
            "this plan does not follow the one that was joined here",
            reason="plan.other-predecessor",
            advice="Ask the coordinator for the plan in between, and the other hospitals for what they got",
        )
    if plan.roster.version < before.roster.version:
        raise RefusedError("this plan goes back to an older roster", reason="plan.older-roster", advice=_CALL)
    if plan.roster.version == before.roster.version:
        _check_same_roster(plan, before)
    if not plan.place.is_first:
        _check_goes_on(plan, before, skips=skips)


def _check_same_roster(plan: PlanHeader, before: PlanHeader) -> None:
    """Under one roster version, the parties and who opens a sum stay.

    :raises RefusedError: they don't.
    """
    same = plan.roster.digest(plan.study_name, plan.coordinator)
    if same != before.roster.digest(before.study_name, before.coordinator):
        raise RefusedError(
            "this plan changes the members without a new roster version",
            reason="plan.members-changed",
            advice=_CALL,
        )
    if not plan.place.is_first and plan.successors != before.successors:
        raise RefusedError(
            "this plan changes who may name another coordinator, without a new roster version",
            reason="plan.successors-changed",
            advice=_CALL,
        )
    if not plan.place.is_first and _rule_of(plan) != _rule_of(before):
        raise RefusedError(
            "this plan changes who opens the sum, or of how many, without a new roster version",
            reason="plan.opening-changed",
            advice=_CALL,
        )


def _check_goes_on(plan: PlanHeader, before: PlanHeader, *, skips: bool) -> None:
    """A plan that does not begin its study goes on where the plan before was, under the same terms.

    :param skips: whether this party missed the plans in between.
    :raises RefusedError: it doesn't.
    """
    if plan.place < before.place:
        raise RefusedError(
            f"this plan goes back to {_stage(plan)} of the study", reason="plan.stage-back", advice=_CALL
        )
    if plan.place not in (before.place, before.next_place) and not skips:
        raise RefusedError(
            f"this plan skips a stage: it is of {_stage(plan)}, and the one before was of {_stage(before)}",
            reason="plan.stage-skipped",
            advice=_CALL,
        )
    if plan.format < before.format or not set(before.features) <= set(plan.features):
        raise RefusedError(
            "this plan gives up the format or a feature of the study in the middle of it",
            reason="plan.form-given-up",
            advice=_CALL,
        )
    # A round that is planned again starts as before; and before the training nothing is trained in between.
    if (plan.place == before.place or not plan.carries_model) and plan.body.sha256 != before.body.sha256:
        raise RefusedError(
            "this plan brings another model than the plan before, and nothing was trained in between",
            reason="plan.other-start",
            advice=_CALL,
        )
    of_task = [(*task_terms_of(one), one.bounds) for one in (plan, before)]
    same_task = plan.its_task == before.its_task
    if terms_of(plan) != terms_of(before) or (same_task and of_task[0] != of_task[1]):
        raise RefusedError(
            "this plan changes the terms of the study in the middle of it",
            reason="plan.terms-changed",
            advice=_CALL,
        )


def _rule_of(plan: PlanHeader) -> object:
    """Whose help opens a sum, and of how many hospitals: this changes only with the roster version."""
    committee = plan.committee
    return committee and (committee.minimum_cohort, {seat.keyholder for seat in committee.seats})


def terms_of(plan: PlanHeader) -> tuple[object, ...]:
    """What a study keeps from its first stage to its last."""
    return (plan.method, plan.constants, plan.features_by, plan.classes, plan.delta, plan.its_schedule,
            plan.mode, plan.committee.numbers if plan.committee else None)  # fmt: skip


def task_terms_of(plan: PlanHeader) -> tuple[object, ...]:
    """What a task of a study keeps from its first stage to its last."""
    return (plan.its_task, plan.modulus_bits, plan.manifest, plan.age_bands, plan.sexes, plan.model,
            plan.edges)  # fmt: skip


def _stage(plan: PlanHeader) -> str:
    return f"stage {plan.stage}" if plan.task is None else f"stage {plan.stage} of its task to {plan.task}"
