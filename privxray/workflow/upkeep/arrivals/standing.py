"""Whether a workspace knows a file already and, if not, what to type: by kind, and by what came before it.

A header's claims are enough here. The command that is named verifies everything again.

Tested in tests/cli/test_arrivals.py.
"""

from __future__ import annotations

from collections.abc import Callable
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
from privxray.formats.header import Header
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.keys.card import CardHeader
from privxray.keys.revocation import RevocationHeader
from privxray.keys.succession.candidacy import CandidacyHeader
from privxray.keys.succession.succession_file import SuccessionHeader
from privxray.keys.succession.vote import VoteHeader
from privxray.workflow.upkeep.arrivals import of_parties, of_studies
from privxray.workflow.upkeep.arrivals.question import Question, Standing


def standing(question: Question[Header]) -> Standing:
    """What there is to do about a file in a workspace."""
    header = question.header
    if header.sender == question.own and not isinstance(header, _ABOUT_KEYS):
        return Standing(
            True, f"it is this workspace's own: carry it to {_FOR.get(header.kind, 'whom it is for')}"
        )
    revoked = question.session.state.revoked(header.sender)
    if revoked is not None and not isinstance(header, _ABOUT_KEYS):
        return Standing(False, f"take nothing of this key, which was revoked; call {revoked[0]}")
    return _BY_TYPE[type(header)](question)


def fits_anywhere() -> frozenset[type[Header]]:
    """The kinds of files that this module tells about: all of them."""
    return frozenset(_BY_TYPE)


_ABOUT_KEYS = (RevocationHeader, SuccessionHeader)
"""Files about keys that are gone: their signer may be one of them."""
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
    "agreement": "the coordinator",
    "waiver": "the coordinator",
    "refusal": "the coordinator",
    "candidacy": "the hospitals",
    "vote": "whoever is to be the coordinator",
    "succession": "all others",
}


_BY_TYPE: dict[type[Header], Callable[[Question[Any]], Standing]] = {
    CardHeader: of_studies.card,
    PlanHeader: of_studies.plan,
    AgreementHeader: of_studies.update,
    UpdateHeader: of_studies.update,
    RequestHeader: of_studies.request,
    ShareHeader: of_studies.share,
    ProofHeader: of_studies.proof,
    ModelHeader: of_studies.model,
    SummaryHeader: of_studies.summary,
    OfferHeader: of_parties.offer,
    QueryHeader: of_parties.query,
    AnswerHeader: of_parties.answer,
    RevocationHeader: of_parties.revocation,
    CandidacyHeader: of_parties.candidacy,
    VoteHeader: of_parties.vote,
    SuccessionHeader: of_parties.succession,
    WaiverHeader: of_studies.consent,
    RefusalHeader: of_studies.consent,
}
