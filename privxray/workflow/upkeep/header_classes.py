"""The header of each kind of file that travels. Tested in tests/cli/test_inspect.py."""

from __future__ import annotations

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

HEADERS: dict[str, type[Header]] = {
    "card": CardHeader,
    "plan": PlanHeader,
    "agreement": AgreementHeader,
    "update": UpdateHeader,
    "request": RequestHeader,
    "share": ShareHeader,
    "proof": ProofHeader,
    "model": ModelHeader,
    "summary": SummaryHeader,
    "offer": OfferHeader,
    "query": QueryHeader,
    "answer": AnswerHeader,
    "revocation": RevocationHeader,
    "waiver": WaiverHeader,
    "refusal": RefusalHeader,
    "candidacy": CandidacyHeader,
    "vote": VoteHeader,
    "succession": SuccessionHeader,
}
