"""What a person decides by about a travelling file: what it is, whose, of which study and round, what to do.

Tested in tests/cli/test_inspect.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from privxray.workflow.upkeep.file_summaries import of_parties, of_studies
from privxray.workflow.upkeep.file_summaries.told import Reader, Summary


def summary_of(header: Header, digest: str, reader: Reader) -> Summary:
    """Sum up a file's header.

    :param digest: of the signed header, in hex.
    """
    return _BY_TYPE[type(header)](header, digest, reader)


_BY_TYPE: Mapping[type[Header], Callable[[Any, str, Reader], Summary]] = {
    CardHeader: of_studies.card,
    PlanHeader: of_studies.plan,
    AgreementHeader: of_studies.agreement,
    UpdateHeader: of_studies.update,
    RequestHeader: of_studies.request,
    ShareHeader: of_studies.share,
    ProofHeader: of_studies.proof,
    ModelHeader: of_studies.model,
    SummaryHeader: of_studies.summary,
    RevocationHeader: of_parties.revocation,
    WaiverHeader: of_studies.waiver,
    RefusalHeader: of_studies.refusal,
    CandidacyHeader: of_parties.candidacy,
    VoteHeader: of_parties.vote,
    SuccessionHeader: of_parties.succession,
    OfferHeader: of_parties.offer,
    QueryHeader: of_parties.query,
    AnswerHeader: of_parties.answer,
}
