"""What to do about files of encrypted inference, and about those by which a party gives up or replaces keys.

Tested in tests/cli/test_arrivals.py.
"""

from __future__ import annotations

from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.keys.revocation import RevocationHeader
from privxray.keys.succession.candidacy import CandidacyHeader
from privxray.keys.succession.last_day import is_past
from privxray.keys.succession.succession_file import SuccessionHeader
from privxray.keys.succession.vote import VoteHeader
from privxray.workflow.common.new_coordinator import standing_vote
from privxray.workflow.common.stamp import today
from privxray.workflow.upkeep.advice.situation import typed
from privxray.workflow.upkeep.arrivals.question import Question, Standing


def offer(question: Question[OfferHeader]) -> Standing:
    """An offer, by whether it is kept here."""
    if any(one.digest == question.digest for one in question.session.state.offers()):
        return Standing(
            True, f"nothing: it is kept here; {typed(question.typing.place, 'infer ask IMAGE...')}"
        )
    if question.session.role != "hospital":
        return Standing(False, "an offer is for the hospitals that may ask: carry it there")
    ask = question.typing.one("infer ask IMAGE... --offer")
    return Standing(False, f"hear its owner's key words by phone, then type: {ask}")


def query(question: Question[QueryHeader]) -> Standing:
    """A query, by whether it is answered."""
    if question.session.state.answer_to(question.digest) is not None:
        return Standing(True, "nothing: it is answered")
    if question.own not in question.header.recipients:
        return Standing(False, "it is for the owner of another model: carry it there")
    return Standing(False, question.typing.one("infer answer"))


def answer(question: Question[AnswerHeader]) -> Standing:
    """An answer, by whether it was read."""
    asked = {one.digest: one.answered for one in question.session.state.asked()}
    if question.header.query not in asked:
        return Standing(False, "it answers a query of another workspace: carry it there")
    if asked[question.header.query]:
        return Standing(True, f"nothing: it was read; {question.typing.one('infer read')} shows it again")
    return Standing(False, question.typing.one("infer read"))


def revocation(question: Question[RevocationHeader]) -> Standing:
    """A revocation, by whether it is known here."""
    if question.header.sender == question.own:
        return Standing(True, "it is of this workspace's own key: carry it to the others")
    if question.session.state.revoked(question.header.sender) is not None:
        return Standing(True, "nothing: it is known here")
    return Standing(False, f"call {question.header.name}, then type: {question.typing.one('distrust')}")


def candidacy(question: Question[CandidacyHeader]) -> Standing:
    """A candidacy, by whether this hospital has voted for its maker."""
    header, session, newest = question.header, question.session, question.newest()
    if session.role != "hospital" or newest is None:
        return Standing(False, f"a candidacy is for the hospitals of {header.study}: carry it there")
    if header.until is None or is_past(header.until, today()):
        return Standing(True, f"nothing: its last day is past; ask {header.name} for a new one")
    old = session.state.study(newest.study)
    stands = old and standing_vote(session.state, newest, old.coordinator.fingerprint)
    if stands and stands.keys.fingerprint == header.sender:
        return Standing(True, "nothing: this hospital has voted for its maker")
    return Standing(False, f"hear its maker's key words by phone, then type: {question.typing.one('vote')}")


def vote(question: Question[VoteHeader]) -> Standing:
    """A vote, by whose it is to be counted by."""
    if question.header.keys.fingerprint != question.own:
        return Standing(False, "a vote is for whoever is to be the coordinator: carry it there")
    if question.session.state.rounds():
        return Standing(True, "nothing: the votes were counted")
    count = typed(question.typing.place, "succeed PLAN FILE --votes FOLDER")
    return Standing(False, f"collect the votes in a folder, then type: {count}")


def succession(question: Question[SuccessionHeader]) -> Standing:
    """A succession, by whether the new keys are known here."""
    header = question.header
    if header.sender == question.own:
        return Standing(True, "it is this workspace's own: carry it to all others")
    if header.old == question.own:
        return Standing(
            False,
            f"it puts {header.name} in this workspace's place: if you did not ask for that, call the "
            "hospitals at once",
        )
    if header.by == "members" and question.session.role == "coordinator":
        return Standing(False, "it is for the parties of its study: carry it there")
    named, _ = question.session.state.successors().get(header.old, (None, ""))
    if named == header.sender:
        return Standing(True, "nothing: it is known here")
    command = "join" if header.by == "members" else "distrust"
    return Standing(False, f"call {header.name}, then type: {question.typing.one(command)}")
