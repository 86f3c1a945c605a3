"""What a person decides by about a travelling file: what it is, whose, of which study and round, what to do.

Tested in tests/cli/test_inspect.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from privxray.exchange.messages.agreement import AgreementHeader
from privxray.exchange.messages.consents import RefusalHeader, WaiverHeader
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_words import place_in_words
from privxray.exchange.messages.proof import ProofHeader
from privxray.exchange.messages.request import RequestHeader
from privxray.exchange.messages.share import ShareHeader
from privxray.exchange.messages.summary import SummaryHeader
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats.header import Header
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.keys.card import CardHeader
from privxray.keys.revocation import RevocationHeader
from privxray.keys.succession.candidacy import CandidacyHeader
from privxray.keys.succession.succession_file import SuccessionHeader
from privxray.keys.succession.vote import VoteHeader
from privxray.workflow.common.update_words import update_words
from privxray.workflow.custody.revoked import WORDS
from privxray.workspace.folder import Role


@dataclass(frozen=True)
class Reader:
    """Who looks at the file.

    :ivar role: of the workspace; None outside of one.
    :ivar names: of the parties that are known here, by the fingerprints of their keys.
    :ivar own: this party's fingerprint; empty outside of a workspace.
    :ivar followed: the digests of the plans that are followed here, or were signed here.
    :ivar accepted: the digests of the models and summaries that are accepted here, or were signed here.
    """

    role: Role | None = None
    names: Mapping[str, str] | None = None
    own: str = ""
    followed: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()

    def name(self, fingerprint: str) -> str:
        """A party by its name, or by its fingerprint where it is not known here."""
        if fingerprint == self.own:
            return "this workspace"
        return (self.names or {}).get(fingerprint, f"somebody unknown here ({fingerprint[:16]})")


@dataclass(frozen=True)
class Summary:
    """What a person decides by.

    :ivar what: the kind of file, in words. :ivar whose: who made it, and for whom.
    :ivar where: the study and the round; empty where it is of none.
    :ivar terms: what it promises or costs, in words; empty where it says nothing of the kind.
    :ivar todo: what to do with it here, without a full stop.
    :ivar more: further lines: what is asked, and the answer.
    """

    what: str
    whose: str
    where: str
    terms: str
    todo: str
    more: tuple[tuple[str, str], ...] = ()

    def rows(self) -> list[tuple[str, str]]:
        """Lines for a person: what is asked, and the answer."""
        listed = [("what", self.what), ("whose", self.whose), ("study and round", self.where)]
        return [(name, text) for name, text in (*listed, ("terms", self.terms), *self.more) if text]


def summary(header: Header, digest: str, reader: Reader) -> Summary:
    """Sum up a file's header.

    :param digest: of the signed header, in hex.
    """
    return _BY_TYPE[type(header)](header, digest, reader)


def _card(card: CardHeader, _: str, reader: Reader) -> Summary:
    study = f"for the study {card.study} only" if card.study else "for any one study"
    return Summary(
        f"a card: the public keys of a {card.role}",
        card.name,
        study,
        "",
        "collect it in cards/, then type: privxray plan cards/*.card"
        if reader.role == "coordinator"
        else "it is for the coordinator",
    )


def _plan(plan: PlanHeader, digest: str, reader: Reader) -> Summary:
    if digest in reader.followed:
        todo = "carry it to every party" if reader.role == "coordinator" else "nothing: it is followed here"
    elif plan.previous is not None:
        todo = "type: privxray accept FILE"
    else:
        todo = "hear its key words by phone, then type: privxray join FILE"
    hospitals = len(plan.roster.members)
    return Summary(
        "a plan: who takes part in a round, and on which terms",
        f"{plan.coordinator_name}, for {hospitals} hospitals",
        f"{plan.study}, round {plan.round} ({place_in_words(plan)})",
        f"{plan.method}, epsilon {plan.epsilon:g} at delta {plan.delta:g}, mode {plan.mode}",
        todo,
    )


def _agreement(agreement: AgreementHeader, _: str, reader: Reader) -> Summary:
    return Summary(
        "an agreement: a hospital's part of the secrets for hybrid masks; nothing of a patient",
        reader.name(agreement.sender),
        _place(agreement),
        f"ciphertexts for {len(agreement.encapsulated.ciphertexts)} other hospitals",
        "collect it in updates/, then type: privxray aggregate updates/*.agreement"
        if reader.role == "coordinator"
        else "it is for the coordinator",
    )


def _update(update: UpdateHeader, _: str, reader: Reader) -> Summary:
    return Summary(
        "an update: a hospital's part of a round, masked and encrypted",
        reader.name(update.sender),
        _place(update),
        f"it states epsilon {update.epsilon:g} at delta {update.delta:g} for the study so far",
        "collect it in updates/, then type: privxray aggregate updates/*.enc"
        if reader.role == "coordinator"
        else "it is for the coordinator",
        update_words(update, f"the coordinator ({reader.name(update.recipients[0])})").rows(),
    )


def _request(request: RequestHeader, _: str, reader: Reader) -> Summary:
    survivors = ", ".join(reader.name(one) for one in request.survivors)
    return Summary(
        "a request: the coordinator asks the keyholders to help to open a sum",
        reader.name(request.sender),
        _place(request),
        f"the sum of {survivors}",
        "it is for the keyholders"
        if reader.role == "coordinator"
        else "a keyholder types: privxray unmask FILE",
    )


def _share(share: ShareHeader, _: str, reader: Reader) -> Summary:
    return Summary(
        "a share file: a keyholder's answer",
        reader.name(share.sender),
        _place(share),
        "",
        "collect it in shares/, then type: privxray aggregate shares/*.share"
        if reader.role == "coordinator"
        else "it is for the coordinator",
    )


def _proof(proof: ProofHeader, _: str, reader: Reader) -> Summary:
    return Summary(
        "a proof: it shows each hospital that a model is the sum of what all committed to",
        reader.name(proof.sender),
        _place(proof),
        f"a sum of {len(proof.updates)} updates",
        "carry it to every hospital, with its model"
        if reader.role == "coordinator"
        else "keep it beside its model, and accept that; or type: privxray verify FILE",
    )


def _model(model: ModelHeader, digest: str, reader: Reader) -> Summary:
    return Summary(
        "a global model",
        reader.name(model.sender),
        _place(model),
        f"{model.method}, classes {', '.join(model.classes)}",
        _todo_with_result(digest, reader),
    )


def _summary(summary: SummaryHeader, digest: str, reader: Reader) -> Summary:
    what = (
        "noisy counts of patients" if summary.task == "describe" else "noisy histograms of patients' scores"
    )
    return Summary(
        f"a summary: {what} over all hospitals of a round together",
        reader.name(summary.sender),
        _place(summary),
        f"epsilon {summary.epsilon:g} at delta {summary.delta:g} per patient, by each hospital's own noise",
        _todo_with_result(digest, reader),
    )


def _todo_with_result(digest: str, reader: Reader) -> str:
    if digest not in reader.accepted:
        return "type: privxray accept FILE"
    return "carry it to every hospital" if reader.role == "coordinator" else "nothing: it is kept here"


def _offer(offer: OfferHeader, _: str, reader: Reader) -> Summary:
    shown = "the class only" if offer.top1 else f"{offer.decimals} decimals"
    return Summary(
        "an offer: a model that answers about encrypted images",
        offer.owner_name,
        _place(offer),
        f"{offer.limit} images a hospital, {shown}",
        "it is for hospitals that want to ask"
        if reader.own == offer.sender
        else "hear the owner's key words by phone, then type: privxray infer ask IMAGE... --offer FILE",
    )


def _query(query: QueryHeader, _: str, reader: Reader) -> Summary:
    return Summary(
        "a query: encrypted images of a hospital",
        query.hospital_name,
        _place(query),
        f"{query.images} images",
        "it is for the model's owner" if reader.own == query.sender else "type: privxray infer answer FILE",
    )


def _answer(answer: AnswerHeader, _: str, reader: Reader) -> Summary:
    return Summary(
        "an answer: encrypted predictions",
        reader.name(answer.sender),
        _place(answer),
        f"{answer.images} images; {answer.left} are left",
        "it is for the hospital that asked"
        if reader.own == answer.sender
        else "type: privxray infer read FILE",
    )


def _revocation(revocation: RevocationHeader, _: str, reader: Reader) -> Summary:
    return Summary(
        "a revocation: a party gives its key up",
        revocation.name,
        "of no study",
        WORDS[revocation.why],
        "carry it to the others, once nobody is to take this party's files any more"
        if reader.own == revocation.sender
        else "call the party, then type: privxray distrust FILE",
    )


_REPEAT = "give it to: privxray plan --repeat, with the files of that round"


def _waiver(waiver: WaiverHeader, _: str, reader: Reader) -> Summary:
    return Summary(
        "a waiver: a hospital lets a round be repeated without it",
        reader.name(waiver.sender),
        _place(waiver),
        "its noisy result may then be told from the sum",
        _REPEAT if reader.role == "coordinator" else "it is for the coordinator",
    )


def _refusal(refusal: RefusalHeader, _: str, reader: Reader) -> Summary:
    return Summary(
        "a refusal: a keyholder answers nothing in a round",
        reader.name(refusal.sender),
        _place(refusal),
        "",
        _REPEAT if reader.role == "coordinator" else "it is for the coordinator",
    )


def _candidacy(candidacy: CandidacyHeader, _: str, reader: Reader) -> Summary:
    return Summary(
        "a candidacy: somebody would coordinate a study whose coordinator has lost its key",
        candidacy.name,
        candidacy.study or "",
        "",
        "carry it to the hospitals that the plan names, and read your key words to them"
        if reader.own == candidacy.sender
        else "hear its maker's key words by phone, then type: privxray vote FILE",
    )


def _vote(vote: VoteHeader, _: str, reader: Reader) -> Summary:
    return Summary(
        "a vote: a hospital says who is to coordinate its study from now on",
        reader.name(vote.sender),
        _place(vote),
        f"for the key {vote.keys.fingerprint[:16]}, in place of {reader.name(vote.old)}",
        "collect it in a folder, then type: privxray succeed PLAN FILE --votes FOLDER"
        if reader.own == vote.keys.fingerprint
        else "it is for whoever is to be the coordinator",
    )


def _succession(succession: SuccessionHeader, _: str, reader: Reader) -> Summary:
    place = f"the key {succession.keys.fingerprint[:16]} in place of {reader.name(succession.old)}"
    if succession.by == "members":
        voters = ", ".join(reader.name(vote.party) for vote in succession.votes or ())
        who, command = f"by the votes of {voters} (judged when it is taken in)", "join"
    else:
        who, command = "by the party's recovery key (judged when it is taken in)", "distrust"
    return Summary(
        "a succession: other keys take the place of some that are gone",
        succession.name,
        _place(succession) if succession.study else "of no study",
        f"{place}, {who}",
        "carry it to all others"
        if reader.own == succession.sender
        else f"call {succession.name}, then type: privxray {command} FILE",
    )


def _place(header: Header) -> str:
    return f"{header.study}, round {header.round}"


_BY_TYPE: Mapping[type[Header], Callable[[Any, str, Reader], Summary]] = {
    CardHeader: _card,
    PlanHeader: _plan,
    AgreementHeader: _agreement,
    UpdateHeader: _update,
    RequestHeader: _request,
    ShareHeader: _share,
    ProofHeader: _proof,
    ModelHeader: _model,
    SummaryHeader: _summary,
    RevocationHeader: _revocation,
    WaiverHeader: _waiver,
    RefusalHeader: _refusal,
    CandidacyHeader: _candidacy,
    VoteHeader: _vote,
    SuccessionHeader: _succession,
    OfferHeader: _offer,
    QueryHeader: _query,
    AnswerHeader: _answer,
}
