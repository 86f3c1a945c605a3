"""Whether a workspace knows a file already and, if not, what to type: by kind, and by what came before it.

A header's claims are enough here. The command that is named verifies everything again.

Tested in tests/cli/test_arrivals.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from privxray.exchange.messages.agreement import AgreementHeader
from privxray.exchange.messages.consents import RefusalHeader, WaiverHeader
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.proof import ProofHeader
from privxray.exchange.messages.request import RequestHeader
from privxray.exchange.messages.share import ShareHeader
from privxray.exchange.messages.summary import SummaryHeader
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats.header import Fingerprint, Header
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.keys.card import CardHeader
from privxray.keys.revocation import RevocationHeader
from privxray.system.names import quoted
from privxray.workflow.upkeep.advice.situation import typed
from privxray.workspace.session import Session
from privxray.workspace.study_tables import Round
from privxray.workspace.transitions import RoundState


@dataclass(frozen=True)
class Typing:
    """How a command about a file is typed.

    :param place: the way from where the person stands to the workspace; empty where they stand in it.
    :param file: the file as the command names it.
    :param folder: its folder likewise; empty where the name is not to be shown.
    """

    place: str = ""
    file: str = "FILE"
    folder: str = ""

    def one(self, before: str, after: str = "") -> str:
        """A command that takes this file."""
        return typed(self.place, f"{before} {quoted(self.file)}{after}")

    def all(self, before: str, suffix: str) -> str:
        """A command that takes all files of a kind in this one's folder."""
        plain = self.folder and quoted(self.folder) == self.folder
        return typed(self.place, f"{before} {self.folder}/*.{suffix}") if plain else self.one(before)


@dataclass(frozen=True)
class Standing:
    """What there is to do about a file.

    :param taken: the workspace knows it, or its time is over: there is nothing to do.
    :param todo: without a full stop.
    """

    taken: bool
    todo: str


@dataclass(frozen=True)
class Question:
    """A file and the workspace that it came to.

    :param digest: of the signed header, in hex.
    :param own: the fingerprint of the workspace's party.
    """

    header: Any
    digest: str
    session: Session
    own: Fingerprint
    typing: Typing

    def round_of_plan(self) -> Round | None:
        """The round here whose plan the file names, if there is one."""
        rounds = self.session.state.rounds(self.header.study)
        return next((one for one in rounds if one.plan == self.header.plan), None)

    def newest(self) -> Round | None:
        """The newest round here of the file's study."""
        return None if self.header.study is None else self.session.state.last_round(self.header.study)


def standing(question: Question) -> Standing:
    """What there is to do about a file in a workspace."""
    header = question.header
    if header.sender == question.own and not isinstance(header, RevocationHeader):
        return Standing(True, f"it is this workspace's own: carry it to {_FOR[header.kind]}")
    revoked = question.session.state.revoked(header.sender)
    if revoked is not None and not isinstance(header, RevocationHeader):
        return Standing(False, f"take nothing of this key, which was revoked; call {revoked[0]}")
    return _BY_TYPE[type(header)](question)


def fits_anywhere() -> frozenset[type[Header]]:
    """The kinds of files that this module tells about: all of them."""
    return frozenset(_BY_TYPE)


_FOR = {
    "card": "the coordinator",
    "plan": "every party",
    "update": "the coordinator",
    "request": "the keyholders",
    "share": "the coordinator",
    "proof": "every hospital, with its model",
    "model": "every hospital",
    "summary": "every hospital",
    "offer": "the hospitals that may ask",
    "query": "the model's owner",
    "answer": "the hospital that asked",
}


def _card(question: Question) -> Standing:
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
    used = session.state.used_round_keys()
    if card.unsealing.key in used or (card.mask is not None and card.mask.key in used):
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


def _plan(question: Question) -> Standing:
    plan, session = question.header, question.session
    if session.role == "coordinator":
        return Standing(False, "another coordinator's plan: join it in a hospital's or trustee's workspace")
    if any(one.plan == question.digest for one in session.state.rounds(plan.study)):
        return Standing(True, "nothing: it is followed here")
    if plan.roster.party(question.own) is None:
        return Standing(
            False, "this workspace's party is not in it: carry a card to the coordinator (privxray card)"
        )
    return _unknown_plan(question)


def _unknown_plan(question: Question) -> Standing:
    """A plan that names this party and is not followed here."""
    plan, newest = question.header, question.newest()
    if newest is None:
        return Standing(False, f"hear its key words by phone, then type: {question.typing.one('join')}")
    if plan.round <= newest.number:
        return Standing(
            True, f"nothing: round {newest.number} of {plan.study} is followed here, which is later"
        )
    known = question.session.state.study(plan.study)
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


def _model(question: Question) -> Standing:
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


def _summary(question: Question) -> Standing:
    session, round_ = question.session, question.round_of_plan()
    if session.role != "hospital":
        return Standing(session.role == "trustee", "a summary is for the hospitals: carry it there")
    if round_ is None:
        return Standing(False, _plan_first(question))
    if round_.summary is not None:
        return Standing(True, "nothing: the summary of this round is kept here")
    return Standing(False, question.typing.one("accept"))


def _plan_first(question: Question) -> str:
    header, place = question.header, question.typing.place
    command = "join" if question.newest() is None else "accept"
    return (
        f"its plan is not followed here; when the plan of round {header.round} of {header.study} is here: "
        f"{typed(place, f'{command} FILE')}"
    )


def _update(question: Question) -> Standing:
    session, round_ = question.session, question.round_of_plan()
    if session.role != "coordinator":
        return Standing(False, "an update is for the coordinator: carry it there")
    if round_ is None:
        return Standing(False, "it obeys a plan that was not signed here; ask its sender for the right file")
    if round_.state is RoundState.OPEN:
        return Standing(False, question.typing.all("aggregate", "enc"))
    return Standing(True, f"nothing: round {round_.number} takes no more updates")


def _agreement(question: Question) -> Standing:
    session, round_ = question.session, question.round_of_plan()
    if session.role != "coordinator":
        return Standing(False, "an agreement is for the coordinator: carry it there")
    if round_ is None:
        return Standing(False, "it obeys a plan that was not signed here; ask its sender for the right file")
    if round_.state is RoundState.OPEN:
        return Standing(False, question.typing.all("aggregate", "agreement"))
    return Standing(True, f"nothing: round {round_.number} takes no more agreements")


def _request(question: Question) -> Standing:
    session, round_ = question.session, question.round_of_plan()
    if session.role == "coordinator":
        return Standing(False, "a request is for the keyholders: carry it there")
    if round_ is None:
        return Standing(False, _plan_first(question))
    answered = session.state.answer_of(round_.plan)
    if answered is not None and answered.request == question.digest:
        return Standing(True, "nothing: it is answered")
    if round_ != question.newest():
        return Standing(True, f"nothing: round {round_.number} is over here")
    return Standing(False, question.typing.one("unmask"))


def _share(question: Question) -> Standing:
    session, round_ = question.session, question.round_of_plan()
    if session.role != "coordinator":
        return Standing(False, "a share file is for the coordinator: carry it there")
    if round_ is None:
        return Standing(False, "it obeys a plan that was not signed here; ask its sender for the right file")
    if round_.state is RoundState.REQUESTED:
        return Standing(False, question.typing.all("aggregate", "share"))
    if round_.state is RoundState.OPEN:
        updates = typed(question.typing.place, "aggregate updates/*.enc")
        return Standing(False, f"its round has no request yet, which comes first: {updates}")
    return Standing(True, f"nothing: round {round_.number} is over")


def _consent(question: Question) -> Standing:
    """A waiver or a refusal: it serves a repetition of its round, and nothing else."""
    session, round_ = question.session, question.round_of_plan()
    if session.role != "coordinator":
        return Standing(False, f"a {question.header.kind} is for the coordinator: carry it there")
    if round_ is None:
        return Standing(False, "it obeys a plan that was not signed here; ask its sender for the right file")
    if round_.state.awaits_files:
        repeat = question.typing.one("plan --repeat FILES")
        return Standing(False, f"if the round is repeated, with its updates or share files: {repeat}")
    return Standing(True, f"nothing: round {round_.number} is over")


def _proof(question: Question) -> Standing:
    round_ = question.round_of_plan()
    if question.session.role == "trustee" or (round_ is not None and round_.model is not None):
        return Standing(True, "nothing: its model is kept here, or this is no hospital")
    return Standing(
        False, f"leave it beside its model, and type: {typed(question.typing.place, 'accept MODEL')}"
    )


def _offer(question: Question) -> Standing:
    if any(one.digest == question.digest for one in question.session.state.offers()):
        return Standing(
            True, f"nothing: it is kept here; {typed(question.typing.place, 'infer ask IMAGE...')}"
        )
    ask = question.typing.one("infer ask IMAGE... --offer")
    return Standing(False, f"hear its owner's key words by phone, then type: {ask}")


def _query(question: Question) -> Standing:
    if question.session.state.answer_to(question.digest) is not None:
        return Standing(True, "nothing: it is answered")
    if question.own not in question.header.recipients:
        return Standing(False, "it is for the owner of another model: carry it there")
    return Standing(False, question.typing.one("infer answer"))


def _answer(question: Question) -> Standing:
    asked = {one.digest: one.answered for one in question.session.state.asked()}
    if question.header.query not in asked:
        return Standing(False, "it answers a query of another workspace: carry it there")
    if asked[question.header.query]:
        return Standing(True, f"nothing: it was read; {question.typing.one('infer read')} shows it again")
    return Standing(False, question.typing.one("infer read"))


def _revocation(question: Question) -> Standing:
    if question.header.sender == question.own:
        return Standing(True, "it is of this workspace's own key: carry it to the others")
    if question.session.state.revoked(question.header.sender) is not None:
        return Standing(True, "nothing: it is known here")
    return Standing(False, f"call {question.header.name}, then type: {question.typing.one('distrust')}")


_BY_TYPE: dict[type[Header], Callable[[Question], Standing]] = {
    CardHeader: _card,
    PlanHeader: _plan,
    AgreementHeader: _agreement,
    UpdateHeader: _update,
    RequestHeader: _request,
    ShareHeader: _share,
    ProofHeader: _proof,
    ModelHeader: _model,
    SummaryHeader: _summary,
    OfferHeader: _offer,
    QueryHeader: _query,
    AnswerHeader: _answer,
    RevocationHeader: _revocation,
    WaiverHeader: _consent,
    RefusalHeader: _consent,
}
