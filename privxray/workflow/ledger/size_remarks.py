"""What a hospital should know of its deltas: where one is larger than is advised for the patients it has.

A ledger's delta is fixed for good when the ledger is made, and a plan's when it is signed. Those of earlier
versions were made before hospitals stated their sizes (docs/adr/0092). They go on, and these lines say what
they promise. They follow from what was stated, never from the number of patients.

Tested in tests/cli/test_sizes.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_sizes import N_MAX
from privxray.keys.brackets import Bracket, advised_delta
from privxray.keys.identity import PublicKeys
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.common.own_size import stated_size
from privxray.workflow.common.planned_round import load_plan
from privxray.workspace.session import Session


def size_remarks(session: Session, limit: Guarantee) -> tuple[str, ...]:
    """What a hospital's stated size and its deltas say together, in plain words; usually nothing.

    :param limit: the ledger's.
    """
    stated = stated_size(session.state)
    own = public_keys(session.workspace)
    newest = [session.state.rounds(study)[-1] for study in session.state.studies()]
    plans = [load_plan(session.workspace, round_) for round_ in newest]
    return (*_of_ledger(limit, stated), *(line for plan in plans for line in _of_plan(plan, own, stated)))


def _of_ledger(limit: Guarantee, stated: Bracket | None) -> Iterator[str]:
    if stated is None:
        yield (
            "this hospital has not stated its size yet; its next card states up to 1,000 patients unless you "
            "type another: privxray card --patients-up-to N"
        )
    elif limit.delta > advised_delta(stated):
        yield (
            f"the ledger's delta {limit.delta:g} was fixed when the ledger was made, and "
            f"{advised_delta(stated):g} is advised for up to {stated:,} patients. Trainings go on; with a "
            f"chance of up to {_chance(limit.delta, stated)}, one of so many patients is not covered by the "
            "lifetime limit"
        )


def _of_plan(plan: PlanHeader, own: PublicKeys, stated: Bracket | None) -> Iterator[str]:
    for remark in plan.remarks():
        yield f"study {plan.study}: {remark}"
    bound = plan.constants.get(N_MAX)
    if plan.size_bound is None and type(bound) is int and plan.delta > 0.01 / bound:
        yield (
            f"study {plan.study} was planned without the hospitals' sizes: its delta {plan.delta:g} is meant "
            f"for up to {bound:,} patients. It goes on; with a chance of up to {_chance(plan.delta, bound)}, "
            "one of so many patients is not covered by epsilon"
        )
    member = plan.roster.hospital(own.fingerprint)
    if member and member.size and stated and member.size.bracket < stated:
        yield (
            f"study {plan.study} has this hospital with up to {member.size.bracket:,} patients, and its last "
            f"card says up to {stated:,}; the study keeps its terms, and the next one takes the new size"
        )


def _chance(delta: float, patients: int) -> str:
    """The chance that one of so many patients is not covered, at most 1."""
    return f"{min(1.0, delta * patients):.3g}"
