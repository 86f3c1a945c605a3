"""What is told of the files of a study, a function for each kind.

Tested in tests/cli/test_inspect.py.
"""

from __future__ import annotations

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
from privxray.keys.card import CardHeader
from privxray.workflow.common.update_words import update_words
from privxray.workflow.upkeep.file_summaries.told import Reader, Summary, place_of


def card(card: CardHeader, _: str, reader: Reader) -> Summary:
    """A card."""
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


def plan(plan: PlanHeader, digest: str, reader: Reader) -> Summary:
    """A plan, by whether it is followed here."""
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


def agreement(agreement: AgreementHeader, _: str, reader: Reader) -> Summary:
    """An agreement."""
    return Summary(
        "an agreement: a hospital's part of the secrets for hybrid masks; nothing of a patient",
        reader.name(agreement.sender),
        place_of(agreement),
        f"ciphertexts for {len(agreement.encapsulated.ciphertexts)} other hospitals",
        "collect it in updates/, then type: privxray aggregate updates/*.agreement"
        if reader.role == "coordinator"
        else "it is for the coordinator",
    )


def update(update: UpdateHeader, _: str, reader: Reader) -> Summary:
    """An update."""
    return Summary(
        "an update: a hospital's part of a round, masked and encrypted",
        reader.name(update.sender),
        place_of(update),
        f"it states epsilon {update.epsilon:g} at delta {update.delta:g} for the study so far",
        "collect it in updates/, then type: privxray aggregate updates/*.enc"
        if reader.role == "coordinator"
        else "it is for the coordinator",
        update_words(update, f"the coordinator ({reader.name(update.recipients[0])})").rows(),
    )


def request(request: RequestHeader, _: str, reader: Reader) -> Summary:
    """A request."""
    survivors = ", ".join(reader.name(one) for one in request.survivors)
    return Summary(
        "a request: the coordinator asks the keyholders to help to open a sum",
        reader.name(request.sender),
        place_of(request),
        f"the sum of {survivors}",
        "it is for the keyholders"
        if reader.role == "coordinator"
        else "a keyholder types: privxray unmask FILE",
    )


def share(share: ShareHeader, _: str, reader: Reader) -> Summary:
    """A share file."""
    return Summary(
        "a share file: a keyholder's answer",
        reader.name(share.sender),
        place_of(share),
        "",
        "collect it in shares/, then type: privxray aggregate shares/*.share"
        if reader.role == "coordinator"
        else "it is for the coordinator",
    )


def proof(proof: ProofHeader, _: str, reader: Reader) -> Summary:
    """A proof."""
    return Summary(
        "a proof: it shows each hospital that a model or summary is the sum of what all committed to",
        reader.name(proof.sender),
        place_of(proof),
        f"a sum of {len(proof.updates)} updates",
        "carry it to every hospital, with its model or summary"
        if reader.role == "coordinator"
        else "keep it beside its model or summary, and accept that; or type: privxray verify FILE",
    )


def model(model: ModelHeader, digest: str, reader: Reader) -> Summary:
    """A model, by whether it is accepted here."""
    return Summary(
        "a global model",
        reader.name(model.sender),
        place_of(model),
        f"{model.method}, classes {', '.join(model.classes)}",
        _todo_with_result(model, digest, reader),
    )


def summary(summary: SummaryHeader, digest: str, reader: Reader) -> Summary:
    """A summary, by whether it is accepted here."""
    what = (
        "noisy counts of patients" if summary.task == "describe" else "noisy histograms of patients' scores"
    )
    return Summary(
        f"a summary: {what} over all hospitals of a round together",
        reader.name(summary.sender),
        place_of(summary),
        f"epsilon {summary.epsilon:g} at delta {summary.delta:g} per patient, by each hospital's own noise",
        _todo_with_result(summary, digest, reader),
    )


def _todo_with_result(header: ModelHeader | SummaryHeader, digest: str, reader: Reader) -> str:
    if digest in reader.accepted and reader.role == "coordinator":
        later = "nothing: a later round is closed, and only a hospital that lacks this one still needs it"
        return "carry it to every hospital" if digest in reader.newest else later
    if digest in reader.accepted:
        return "nothing: it is kept here"
    if reader.role == "trustee":
        return "nothing: a trustee keeps no models and no summaries"
    if reader.role is not None and header.plan not in reader.followed:
        return (
            f"its plan is not followed here: the plan of round {header.round} of {header.study} comes first"
        )
    return "type: privxray accept FILE"


_REPEAT = "give it to: privxray plan --repeat, with the files of that round"


def waiver(waiver: WaiverHeader, _: str, reader: Reader) -> Summary:
    """A waiver."""
    return Summary(
        "a waiver: a hospital lets a round be repeated without it",
        reader.name(waiver.sender),
        place_of(waiver),
        "its noisy result may then be told from the sum",
        _REPEAT if reader.role == "coordinator" else "it is for the coordinator",
    )


def refusal(refusal: RefusalHeader, _: str, reader: Reader) -> Summary:
    """A refusal."""
    return Summary(
        "a refusal: a keyholder answers nothing in a round",
        reader.name(refusal.sender),
        place_of(refusal),
        "",
        _REPEAT if reader.role == "coordinator" else "it is for the coordinator",
    )
