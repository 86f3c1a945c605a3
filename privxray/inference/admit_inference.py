"""The rules by which offers, queries and answers are accepted: no file, no clock, no state of its own.

The order is that of :mod:`privxray.exchange.admission.admit`: kind, signer, signature, what the file belongs
to, parts, body. Offers and queries carry their signer's own keys. Key words that two people compare by phone
make these keys trusted, once for each party; from then on the party must have the same keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from privxray.errors import IdentityError, MalformedError, RefusedError
from privxray.formats.container import Envelope
from privxray.formats.extractor_file import named_extractor
from privxray.formats.tensors import unpack
from privxray.inference.admit_body import expect_sealed
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.inference.parameters import FEATURE, ID
from privxray.keys.identity import PublicKeys

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_OFFER_BODY = 1 << 20
"""Bytes; the centre of 4,096 features has 32 KiB."""

_PACKED = "packed-queries"  # of an earlier version
_OLD = "is of an earlier version, whose encryption lets altered software take a whole model from one answer"
_ASK_OWNER = "Ask the owner for a new offer"
_ASK_AGAIN = "Ask the hospital to make the query again: privxray infer ask IMAGE... --offer FILE"
_SEND_OFFER = "Type privxray infer offer, and send the hospital that offer; it asks again with --offer FILE"
_CALL_OWNER = "Call the owner; both sides need the same version of privxray"
_NEW_OFFER = "Get a new offer from the owner (privxray infer offer), and ask again with --offer FILE"


def admit_offer(envelope: Envelope) -> OfferHeader:
    """An offer that is signed by the owner whom it names.

    :raises IdentityError: somebody else signed it.
    :raises MalformedError: it is no offer, its keys are damaged, it contradicts itself, or its body can't be
        the centre of a model's features.
    """
    envelope.expect("offer")
    owner = envelope.claim(OfferHeader).owner
    offer = envelope.verify(owner.verifier(), OfferHeader)
    owner.check()
    if offer.sender != owner.fingerprint:
        raise MalformedError(
            "the offer names a different sender from the owner whose keys it carries",
            reason="offer.other-sender",
            advice=_ASK_OWNER,
        )
    expect_current_offer(offer)
    named_extractor(offer.extractor, offer.extractor_file)
    if FEATURE not in offer.features or _PACKED in offer.features:
        raise MalformedError(
            "the offer's parameters are not those of its features",
            reason="offer.other-parameters",
            advice=_ASK_OWNER,
        )
    if len(set(offer.classes)) < len(offer.classes):
        raise MalformedError("the offer names a class twice", reason="offer.class-twice", advice=_ASK_OWNER)
    if offer.body.cipher != "none":
        raise MalformedError(
            "the offer's body is encrypted, and an offer is for anybody to read",
            reason="offer.encrypted",
            advice=_ASK_OWNER,
        )
    if offer.body.length > MAX_OFFER_BODY:
        raise MalformedError("the offer is too large", reason="offer.too-large", advice=_ASK_OWNER)
    return offer


def expect_current_offer(offer: OfferHeader) -> None:
    """An offer of this version's encryption.

    :raises RefusedError: it is of an earlier version's.
    """
    if offer.parameters != ID:
        raise RefusedError(
            f"this offer {_OLD}",
            reason="offer.old-encryption",
            advice="Ask the owner to type privxray infer offer, and take that offer",
        )


def read_centre(offer: OfferHeader, body: bytes) -> NDArray[np.float64]:
    """The centre c, float64 [D], from a body whose digest has been verified.

    :raises MalformedError: the body is not one float64 tensor ``centre`` of the offer's dimension.
    """
    tensors = unpack(body)
    centre = tensors.get("centre")
    if centre is None or len(tensors) != 1 or centre.shape != (offer.feature_dim,) or centre.dtype != float:
        raise MalformedError(
            "the offer's body is not the centre of a model's features",
            reason="offer.no-centre",
            advice=_ASK_OWNER,
        )
    return centre


def admit_query(envelope: Envelope, own: PublicKeys) -> QueryHeader:
    """A query to this owner, signed by the hospital that it names. The caller decides whether it may ask.

    :raises IdentityError: somebody else signed it.
    :raises MalformedError: it is no query, its keys are damaged, or it contradicts itself.
    :raises RefusedError: it is addressed to another owner, or made by this owner.
    """
    envelope.expect("query")
    hospital = envelope.claim(QueryHeader).hospital
    query = envelope.verify(hospital.verifier(), QueryHeader)
    hospital.check()
    if query.sender != hospital.fingerprint:
        raise MalformedError(
            "the query names a different sender from the hospital whose keys it carries",
            reason="query.other-sender",
            advice=_ASK_AGAIN,
        )
    if query.sender == own.fingerprint:
        raise RefusedError(
            "this query was made in this workspace itself",
            reason="query.own",
            advice="Carry it to the owner of the model. Who has a model needs no query (privxray predict)",
        )
    if query.parameters != ID:
        raise RefusedError(f"this query {_OLD}", reason="query.old-encryption", advice=_SEND_OFFER)
    if query.recipients != (own.fingerprint,):
        raise RefusedError(
            "this query is addressed to another owner",
            reason="query.other-recipient",
            advice="Carry it to the owner whose offer it is for",
        )
    return query


def admit_query_to(query: QueryHeader, offer: OfferHeader) -> None:
    """A query that belongs to this offer of ours: its model and study, and a body of exactly the right size.

    :raises RefusedError: it names another model or study, or its body is not sealed to us, or has not the
        size that its images give.
    """
    if query.model != offer.model:
        raise RefusedError(
            "this query names a different model from the offer that it is for",
            reason="query.other-model",
            advice=_ASK_AGAIN,
        )
    if query.study != offer.study:
        raise RefusedError(
            "this query names a different study from the offer that it is for",
            reason="query.other-study",
            advice=_ASK_AGAIN,
        )
    if (query.form, query.parameters) != (offer.form.of_kind("query"), offer.parameters):
        raise RefusedError(
            "this query is of another form than the offer that it is for",
            reason="query.other-form",
            advice=_ASK_AGAIN,
        )
    expect_sealed(query, offer.layout.query_bytes(query.images))


def admit_answer(
    envelope: Envelope, query: QueryHeader, query_digest: str, offer: OfferHeader
) -> AnswerHeader:
    """An answer by the offer's owner to a query that was asked here.

    The model is not compared here: an answer by another model is shown, with a warning.

    :param query_digest: of the query's signed header, in hex.
    :raises IdentityError: someone other than the owner signed it, or it names another sender.
    :raises RefusedError: it answers another query or another hospital, or on other terms, or its body is not
        sealed to this hospital, or has not the size of such an answer.
    """
    envelope.expect("answer")
    if envelope.key_id != offer.sender:
        raise IdentityError(
            "someone other than the owner you asked signed this answer",
            reason="answer.other-signer",
            advice="Call the owner before you use it",
        )
    answer = envelope.verify(offer.owner.verifier(), AnswerHeader)
    if answer.sender != offer.sender:
        raise IdentityError(
            "the answer names a different sender from its signer",
            reason="answer.other-sender",
            advice=_CALL_OWNER,
        )
    if answer.parameters != ID or query.parameters != ID:
        raise RefusedError(f"this answer {_OLD}", reason="answer.old-encryption", advice=_NEW_OFFER)
    _belongs_to_query(answer, query, query_digest)
    if answer.offer != query.offer:
        raise RefusedError(
            "this answer names a different offer from its query",
            reason="answer.other-offer",
            advice=_CALL_OWNER,
        )
    if (answer.form, answer.parameters) != (offer.form.of_kind("answer"), offer.parameters):
        raise RefusedError(
            "this answer is of another form than the offer that it is given under",
            reason="answer.other-form",
            advice=_CALL_OWNER,
        )
    if (answer.decimals, answer.top1) != (offer.decimals, offer.top1):
        raise RefusedError(
            "this answer is given on different terms from the offer's",
            reason="answer.other-terms",
            advice=_CALL_OWNER,
        )
    expect_sealed(answer, offer.layout.answer_bytes(answer.images))
    return answer


def _belongs_to_query(answer: AnswerHeader, query: QueryHeader, query_digest: str) -> None:
    if answer.query != query_digest:
        raise RefusedError(
            "this answer belongs to another query",
            reason="answer.other-query",
            advice="Check that you have the right file",
        )
    if answer.recipients != (query.sender,):
        raise RefusedError(
            "this answer is addressed to another hospital",
            reason="answer.other-recipient",
            advice=_CALL_OWNER,
        )
    if answer.images != query.images:
        raise RefusedError(
            "this answer does not cover the images of its query, one for one",
            reason="answer.other-images",
            advice=_CALL_OWNER,
        )
    if answer.study != query.study:
        raise RefusedError(
            "this answer names a different study from its query",
            reason="answer.other-study",
            advice=_CALL_OWNER,
        )
