"""``plan --continue``: the next stage of a study, or the open one anew, under the same terms.

Tested in tests/cli/test_many_rounds.py and tests/cli/test_keyholders.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privxray.errors import STATUS_SAYS, RefusedError, WorkspaceError
from privxray.exchange.intake import read_again
from privxray.exchange.messages.heads import Since
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_tasks import Place
from privxray.exchange.messages.successors import Successors
from privxray.formats.header import Digest
from privxray.formats.tensors import pack
from privxray.keys.identity import PublicKeys
from privxray.keys.mask_statement import MaskStatement
from privxray.keys.roster import Roster
from privxray.keys.unsealing_statement import UnsealingStatement
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.planned_round import PlannedRound, planned_round
from privxray.workflow.common.stamp import stamp
from privxray.workflow.coordinator.planning.enrolment import Parties
from privxray.workflow.coordinator.planning.next_parties import NextKeys, carry_on
from privxray.workflow.coordinator.planning.past_files import Past, past_of
from privxray.workflow.coordinator.planning.read_cards import check_unused, read_cards
from privxray.workflow.coordinator.planning.scheduled import next_fields
from privxray.workflow.coordinator.planning.sign_plan import Draft, Planned, body_of, sign_plan
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState

if TYPE_CHECKING:
    from numpy.typing import NDArray


def continue_plan(
    workspace: Workspace,
    cards: Sequence[Path],
    passphrase: Passphrase,
    *,
    without: Sequence[str] = (),
    force: bool = False,
) -> Planned:
    """Sign the plan of the next stage, or of the open round's stage anew, under the same terms.

    Keys for the round come from the updates and share files of the round before, and from fresh cards of
    those that gave none. An open round is given up with it.

    :param without: names of parties that are left out from here on.
    :param force: replace another file that stands where the plan goes.
    :raises WorkspaceError: there is no plan to go on from.
    :raises RefusedError: the study is complete, a party's next key is missing, or a key was used before.
    """
    workspace.require("coordinator", "plan")
    identity = unlock(workspace, passphrase)
    with working(workspace) as session:
        before = _round_before(session)
        enrolled = read_cards(session, cards)
        check_unused(session, enrolled)
        stated = _stated(session.state, before.round)
        parties = carry_on(enrolled, before.plan, stated, without, identity.public())
        past = past_of(session.state, before, identity.public())
        draft = following(past, parties, before.plan.place, before.file.body())
        if before.round.state is RoundState.CLOSED and (place := before.plan.next_place):
            model = before.round.model
            body = _model_of(session, before.round) if model else before.file.body()
            draft = following(past, parties, place, body, model)
        if before.plan.coordinator != identity.public():
            draft = by_new_coordinator(draft, session.name, identity.public())
        return sign_plan(session, identity, draft, force=force)


def next_stage(
    before: PlannedRound, keys: NextKeys, model: Mapping[str, NDArray[Any]], since: Since | None
) -> Draft:
    """The plan of the following stage: the same terms and parties, their next keys, the new model.

    :param since: what was signed under the plan before.
    :raises RefusedError: it is unsafe, see :meth:`PlanHeader.verify`.
    """
    parties = carry_on([], before.plan, keys, (), before.plan.coordinator)
    past = Past(before.signed, since, {*keys.masks, *keys.unsealing})
    draft = following(past, parties, Place(before.plan.place.entry, before.plan.stage + 1), pack(model))
    draft.plan.verify()
    return draft


def _round_before(session: Session) -> PlannedRound:
    last = session.state.last_round(session.workspace.own_study)
    if last is None:
        raise WorkspaceError(
            "there is no plan to go on from",
            reason="plan.none-to-continue",
            file=session.root,
            advice=STATUS_SAYS,
        )
    before = planned_round(session.workspace, last)
    if last.state is RoundState.CLOSED and before.plan.next_place is None:
        raise RefusedError(
            "the study is complete: its last stage is closed",
            reason="plan.study-complete",
            advice=STATUS_SAYS,
        )
    return before


def _stated(state: State, last: Round) -> NextKeys:
    return NextKeys(state.next_keys(last.plan, MaskStatement), state.next_keys(last.plan, UnsealingStatement))


def _model_of(session: Session, round_: Round) -> bytes:
    return read_again(session.workspace.model_copy(round_.study, round_.number)).body()


def following(past: Past, parties: Parties, place: Place, body: bytes, model: Digest | None = None) -> Draft:
    """The plan of a further round under the terms of the one before; it repeats nothing.

    :param past: with the plan before.
    :param model: the digest of the round's model, where that is what comes after it starts from.
    """
    made, before = stamp(), past.before
    if before is None:
        raise ValueError("there is no plan before")
    plan = before.plan.model_copy(
        update={
            "round": before.plan.round + 1,
            **next_fields(before.plan, place, model),
            "previous": before.digest,
            "roster": parties.roster,
            "committee": parties.committee,
            "recipients": tuple(party.keys.fingerprint for party in parties.roster.parties),
            "body": body_of(body),
            "created": made.created,
            "software": made.software,
            "repeats": None,
            "without": None,
            "successors": _successors(before.plan, parties.roster),
            **past.fields(before.plan.features),
            "encapsulated": None,
        }
    )
    return Draft(plan, body)


def by_new_coordinator(draft: Draft, name: str, keys: PublicKeys) -> Draft:
    """The same plan by whoever took the study over."""
    changes = {"sender": keys.fingerprint, "coordinator": keys, "coordinator_name": name}
    return Draft(draft.plan.model_copy(update=changes), draft.body)


def _successors(before: PlanHeader, roster: Roster) -> Successors | None:
    return before.successors and before.successors.after(before.roster, roster)
