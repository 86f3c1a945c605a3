"""What to do about files of a study: by kind, and by what came before them.

Tested in tests/cli/test_arrivals.py.
"""

from __future__ import annotations

from privxray.exchange.messages.agreement import AgreementHeader
from privxray.exchange.messages.consents import RefusalHeader, WaiverHeader
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_tasks import COUNTED
from privxray.exchange.messages.proof import ProofHeader
from privxray.exchange.messages.request import RequestHeader
from privxray.exchange.messages.share import ShareHeader
from privxray.exchange.messages.summary import SummaryHeader
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats.header import Header
from privxray.keys.card import CardHeader
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.hospital.waive import waived_round
from privxray.workflow.upkeep.advice.situation import typed
from privxray.workflow.upkeep.arrivals.question import Question, Standing
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState


def card(question: Question[CardHeader]) -> Standing:
    """A card, by whether a plan here took it."""
    card, session = question.header, question.session
    if session.role != "coordinator":
        return Standing(False, "a card is for the coordinator: carry it there")
    if card.study not in (None, session.workspace.own_study):
        own = session.workspace.own_study
        return Standing(
            False,
            f"it is for the study {card.study}, and this workspace serves {own}: ask for another card "
            f"(privxray card --study {own})",
        )
    if session.state.used_round_keys().keys() & card.round_keys:
        return Standing(True, "nothing: a plan here has taken it")
    newest = session.state.last_round(session.workspace.own_study)
    if newest is None:
        return Standing(False, question.typing.all("plan", "card"))
    if newest.state is RoundState.OPEN:
        return Standing(
            False,
            f"its party is not in the open round; {question.typing.one('plan', ' --continue')} plans anew",
        )
    return Standing(False, f"for the next round: {question.typing.one('plan', ' --continue')}")


def plan(question: Question[PlanHeader]) -> Standing:
    """A plan, by what is followed here."""
    plan, session = question.header, question.session
    if session.role == "coordinator":
        return Standing(False, "another coordinator's plan: join it in a hospital's or trustee's workspace")
    if any(one.plan == question.digest for one in session.state.rounds(plan.study)):
        return Standing(True, "nothing: it is followed here")
    if plan.roster.party(question.own) is None:
        waived = waived_round(session, plan.study or "")
        if waived is not None:
            return Standing(True, f"nothing: it goes on without this hospital, which waived round {waived}")
        return Standing(
            False, "this workspace's party is not in it: carry a card to the coordinator (privxray card)"
        )
    return _unknown_plan(question)


def _unknown_plan(question: Question[PlanHeader]) -> Standing:
    """A plan that names this party and is not followed here."""
    plan, newest = question.header, question.newest()
    if newest is None:
        return Standing(False, f"hear its key words by phone, then type: {question.typing.one('join')}")
    if plan.round <= newest.number:
        return Standing(
            True, f"nothing: round {newest.number} of {plan.study} is followed here, which is later"
        )
    known = question.session.state.study(plan.study or "")
    newer_roster = known is not None and plan.roster.version > known.roster_version
    if plan.previous != newest.plan and plan.round == newest.number + 1 and not newer_roster:
        return Standing(
            False,
            f"it does not follow the plan of round {newest.number} that is followed here: ask the "
            "coordinator why, and the other hospitals for what they got",
        )
    if plan.previous != newest.plan and not newer_roster:
        return Standing(
            False,
            f"here {plan.study} is in round {newest.number}, so the plan of round {newest.number + 1} comes "
            f"first; when it is here: {typed(question.typing.place, 'accept FILE')}",
        )
    return Standing(False, question.typing.one("accept"))


def model(question: Question[ModelHeader]) -> Standing:
    """A model, by its round."""
    session, round_ = question.session, question.round_of_plan()
    if session.role == "coordinator":
        return Standing(False, "a model is for the hospitals: privxray accept FILE in a hospital's workspace")
    if session.role == "trustee":
        return Standing(True, "nothing: a trustee keeps no models")
    if round_ is None:
        return Standing(False, _plan_first(question))
    if round_.model is not None:
        return Standing(True, "nothing: a model of this round is kept here")
    return Standing(False, question.typing.one("accept"))


def summary(question: Question[SummaryHeader]) -> Standing:
    """A summary, by its round."""
    session, round_ = question.session, question.round_of_plan()
    if session.role != "hospital":
        return Standing(session.role == "trustee", "a summary is for the hospitals: carry it there")
    if round_ is None:
        return Standing(False, _plan_first(question))
    if round_.summary is not None:
        return Standing(True, "nothing: the summary of this round is kept here")
    return Standing(False, question.typing.one("accept"))


def _plan_first(question: Question[Header]) -> str:
    header, place = question.header, question.typing.place
    command = "join" if question.newest() is None else "accept"
    return (
        f"its plan is not followed here; when the plan of round {header.round} of {header.study} is here: "
        f"{typed(place, f'{command} FILE')}"
    )


def _round_here(question: Question[Header], what: str) -> Round | Standing:
    """The round that a file for the coordinator is of, or what to do where that is not here.

    :param what: the file, in words.
    """
    if question.session.role != "coordinator":
        return Standing(False, f"{what} is for the coordinator: carry it there")
    round_ = question.round_of_plan()
    if round_ is None:
        return Standing(False, "it obeys a plan that was not signed here; ask its sender for the right file")
    return round_


def update(question: Question[UpdateHeader | AgreementHeader]) -> Standing:
    """An update or an agreement, by its round."""
    kind = question.header.kind
    round_ = _round_here(question, f"an {kind}")
    if isinstance(round_, Standing):
        return round_
    if round_.state is RoundState.OPEN:
        return Standing(False, question.typing.all("aggregate", "enc" if kind == "update" else kind))
    return Standing(True, f"nothing: round {round_.number} takes no more {kind}s")


def request(question: Question[RequestHeader]) -> Standing:
    """A request, by whether it is answered."""
    session, round_ = question.session, question.round_of_plan()
    if session.role == "coordinator":
        return Standing(False, "a request is for the keyholders: carry it there")
    if round_ is None:
        return Standing(False, _plan_first(question))
    settled = _settled(question, round_)
    return (
        Standing(True, f"nothing: {settled}") if settled else Standing(False, question.typing.one("unmask"))
    )


def _settled(question: Question[RequestHeader], round_: Round) -> str:
    """Why a request of a round that is followed here needs no answer; empty where it needs one."""
    state = question.session.state
    answered = state.answer_of(round_.plan)
    if answered is not None and answered.request == question.digest:
        return "it is answered"
    if round_ != question.newest():
        return f"round {round_.number} is over here"
    if load_plan(question.session.workspace, round_).seated(question.own) is None:
        return f"this workspace is no keyholder of round {round_.number}"
    if state.refusal_of(round_.plan) is not None:
        return "this keyholder has refused the round, and answers nothing in it"
    return ""


def share(question: Question[ShareHeader]) -> Standing:
    """A share file, by its round."""
    round_ = _round_here(question, "a share file")
    if isinstance(round_, Standing):
        return round_
    if round_.state is RoundState.REQUESTED:
        return Standing(False, question.typing.all("aggregate", "share"))
    if round_.state is RoundState.OPEN:
        updates = typed(question.typing.place, "aggregate updates/*.enc")
        return Standing(False, f"its round has no request yet, which comes first: {updates}")
    return Standing(True, f"nothing: round {round_.number} is over")


def consent(question: Question[WaiverHeader | RefusalHeader]) -> Standing:
    """A waiver or a refusal: it serves a repetition of its round, and nothing else."""
    round_ = _round_here(question, f"a {question.header.kind}")
    if isinstance(round_, Standing):
        return round_
    if round_.state.awaits_files:
        repeat = question.typing.one("plan --repeat FILES")
        return Standing(False, f"if the round is repeated, with its updates or share files: {repeat}")
    return Standing(True, f"nothing: round {round_.number} is over")


def proof(question: Question[ProofHeader]) -> Standing:
    """A proof, by whether the model or summary that it belongs to is here."""
    round_ = question.round_of_plan()
    if question.session.role != "hospital":
        return Standing(question.session.role == "trustee", "a proof is for the hospitals: carry it there")
    if round_ is None:
        return Standing(False, _plan_first(question))
    result = "summary" if round_.task in COUNTED else "model"
    if round_.result is not None:
        return Standing(True, f"nothing: its {result} is kept here")
    accept = typed(question.typing.place, f"accept {result.upper()}")
    return Standing(False, f"leave it beside its {result}, and type: {accept}")
