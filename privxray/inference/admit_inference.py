"""The rules by which offers, queries and answers are accepted: no file, no clock, no state of its own.

The order is that of :mod:`privxray.exchange.admission.admit`: kind, signer, signature, what it belongs to,
parts, body. An offer and a query carry their signer's own keys; key words compared by phone take the place
of trust in them, once for each party, and from then on the keys have to be those.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from privxray.errors import IdentityError, MalformedError, RefusedError
from privxray.exchange.admission.admit import expect
from privxray.formats.container import Envelope
from privxray.formats.header import Body
from privxray.formats.stream import sealed_length
from privxray.formats.tensors import unpack
from privxray.inference import parameters
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.keys.identity import PublicKeys

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_OFFER_BODY = 1 << 20


def admit_offer(envelope: Envelope) -> OfferHeader:
    """An offer signed by the owner that it names.

    :raises IdentityError: signed by somebody else.
    :raises MalformedError: its parts contradict each other, or it is too large.
    """
    expect(envelope, "offer")
    owner = envelope.claim(OfferHeader).owner
    offer = envelope.verify(owner.verifier(), OfferHeader)
    owner.check()
    if offer.sender != owner.fingerprint or len(set(offer.classes)) < len(offer.classes):
        raise MalformedError("the offer contradicts itself")
    if offer.body.cipher != "none" or offer.body.length > MAX_OFFER_BODY:
        raise MalformedError("the offer's body is not the centre of a model's features")
    return offer


def read_centre(offer: OfferHeader, body: bytes) -> NDArray[Any]:
    """The centre c, float64 [D], of a body whose digest has been verified.

    :raises MalformedError: something else is in it.
    """
    tensors = unpack(body)
    centre = tensors.get("centre")
    if centre is None or len(tensors) != 1 or centre.shape != (offer.feature_dim,) or centre.dtype != float:
        raise MalformedError("the offer's body is not the centre of a model's features")
    return centre


def admit_query(envelope: Envelope, own: PublicKeys) -> QueryHeader:
    """A query to this owner, signed by the hospital that it names. Whether it may ask is the caller's rule.

    :raises IdentityError: signed by somebody else.
    :raises RefusedError: addressed to another owner.
    """
    expect(envelope, "query")
    hospital = envelope.claim(QueryHeader).hospital
    query = envelope.verify(hospital.verifier(), QueryHeader)
    hospital.check()
    if query.sender != hospital.fingerprint:
        raise MalformedError("the query contradicts itself")
    if query.sender == own.fingerprint:
        raise RefusedError("this query is by the owner of the model itself; privxray predict needs no key")
    if query.recipients != (own.fingerprint,):
        raise RefusedError("this query is addressed to another owner")
    return query


def admit_query_to(query: QueryHeader, offer: OfferHeader) -> None:
    """A query that belongs to this offer of ours: its model, and a body of exactly the size that it says.

    :raises RefusedError: another model, or a size that its images and keys don't make.
    """
    if query.model != offer.model or query.study != offer.study:
        raise RefusedError("this query is for another model than its offer's")
    _expect_sealed(query.body, query.plain_length(offer.feature_dim), query.recipients)


def admit_keys(query: QueryHeader, keys: bytes) -> None:
    """Evaluation keys are those that the query's signature names.

    :raises MalformedError: others.
    """
    if hashlib.sha256(keys).hexdigest() != query.evaluation_keys:
        raise MalformedError("the evaluation keys are not those that the query names")


def admit_answer(
    envelope: Envelope, query: QueryHeader, query_digest: str, offer: OfferHeader
) -> AnswerHeader:
    """An answer by the offer's owner to a query that was asked here.

    The model is not compared here: an answer by another model is shown, with a warning.

    :raises IdentityError: signed by somebody else than the owner.
    :raises RefusedError: an answer to another query, to another hospital, or on other terms.
    """
    expect(envelope, "answer")
    if envelope.key_id != offer.sender:
        raise IdentityError("this answer is signed by another owner than the one who was asked")
    answer = envelope.verify(offer.owner.verifier(), AnswerHeader)
    if answer.sender != offer.sender:
        raise IdentityError("the answer names another sender than its signer")
    if answer.query != query_digest or answer.recipients != (query.sender,):
        raise RefusedError("this answer belongs to another query")
    if (answer.images, answer.study) != (query.images, query.study):
        raise RefusedError("this answer is not one to all images of its query")
    if (answer.decimals, answer.top1, answer.offer) != (offer.decimals, offer.top1, query.offer):
        raise RefusedError("this answer is given on other terms than the offer's")
    _expect_sealed(answer.body, answer.images * offer.layout.answer_bytes, answer.recipients)
    return answer


def _expect_sealed(body: Body, length: int, recipients: tuple[str, ...]) -> None:
    sealed_to = (body.key.recipient,) if body.key else ()
    if body.cipher == "none" or sealed_to != recipients or body.length != sealed_length(length):
        raise RefusedError(
            f"its body is not what {parameters.ID} gives for so many images",
            advice="Both sides need the same version of privxray",
        )
