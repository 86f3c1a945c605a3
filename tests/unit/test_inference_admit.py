"""Which rule refuses an offer, a query or an answer: one row for each thing that altered software could sign.

Rules of the container, of keys and of kinds stand here as well, for taking their calls out has to be noticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
from forged_files import refused
from inference_samples import (
    CLASSES,
    FEATURES,
    OTHER,
    altered,
    answer_header,
    centre_body,
    fingerprint,
    of_earlier_versions,
    offer_header,
    party,
    query_header,
    sealed_to,
    signed,
)

from privxray.errors import WrongKeyError
from privxray.formats.container import Envelope
from privxray.formats.header import Body
from privxray.inference import parameters
from privxray.inference.admit_inference import (
    MAX_OFFER_BODY,
    admit_answer,
    admit_offer,
    admit_query,
    admit_query_to,
    read_centre,
)
from privxray.inference.headers import OfferHeader, QueryHeader
from privxray.keys.identity import PublicKeys
from privxray.keys.sealed_body import open_body, seal_body

ANYBODY_SIGNS = PublicKeys(signing="A" * 43 + "=", sealing=party("owner").public().sealing)


def nobody_seals(name: str) -> PublicKeys:
    """A party's keys with a sealing key that nobody can seal to."""
    return party(name).public().model_copy(update={"sealing": "A" * 1620 + "AA=="})


# What is as it should be


def test_files_of_honest_parties_are_accepted() -> None:
    offer, query, answer = offer_header(), query_header(), answer_header()
    assert admit_offer(signed(offer, "owner")) == offer
    assert admit_query(signed(query, "clinic"), party("owner").public()) == query
    admit_query_to(query, offer)
    admit_query_to(query_header(images=1), offer)
    digest = signed(query, "clinic").digest
    assert admit_answer(signed(answer, "owner"), query, digest, offer) == answer
    other_model = altered(answer, model=OTHER)  # shown, with a warning
    assert admit_answer(signed(other_model, "owner"), query, digest, offer).model == OTHER


def test_an_offer_may_have_a_body_of_1_mib_and_no_more() -> None:
    body = Body(length=MAX_OFFER_BODY)
    assert MAX_OFFER_BODY == 1 << 20
    assert admit_offer(signed(altered(offer_header(), body=body), "owner")).body == body


# Offers

OFFERS: dict[str, tuple[dict[str, object], str]] = {
    "another sender": ({"sender": OTHER}, "offer.other-sender"),
    "two classes of one name": ({"classes": ("normal", "virus", "normal")}, "offer.class-twice"),
    "an encrypted body": ({"body": Body(cipher="chacha20poly1305-stream")}, "offer.encrypted"),
    "a byte too many": ({"body": Body(length=MAX_OFFER_BODY + 1)}, "offer.too-large"),
}


@pytest.mark.parametrize("what", OFFERS)
def test_offers_that_no_honest_owner_makes(what: str) -> None:
    fields, reason = OFFERS[what]
    with refused(reason):
        admit_offer(signed(altered(offer_header(), **fields), "owner"))


OTHERS_OFFERS: dict[str, tuple[Callable[[], Envelope], str]] = {
    "another kind": (lambda: signed(query_header(), "clinic"), "file.other-kind"),
    "another signer": (lambda: signed(offer_header(), "stranger"), "signature.other-signer"),
    "a key that anybody signs by": (
        lambda: signed(altered(offer_header(), owner=ANYBODY_SIGNS), "owner"),
        "signing-key.weak",
    ),
    "a key that nobody seals to": (
        lambda: signed(altered(offer_header(), owner=nobody_seals("owner")), "owner"),
        "sealing-key.weak",
    ),
}


@pytest.mark.parametrize("what", OTHERS_OFFERS)
def test_offers_of_another_kind_signer_or_key(what: str) -> None:
    envelope, reason = OTHERS_OFFERS[what]
    with refused(reason):
        admit_offer(envelope())


CENTRES: dict[str, dict[str, np.ndarray]] = {
    "another name": {"center": np.zeros(FEATURES)},
    "a second tensor": {"centre": np.zeros(FEATURES), "weights": np.zeros(3)},
    "one feature too many": {"centre": np.zeros(FEATURES + 1)},
    "a second axis": {"centre": np.zeros((FEATURES, 1))},
    "single precision": {"centre": np.zeros(FEATURES, np.float32)},
    "whole numbers": {"centre": np.zeros(FEATURES, np.int64)},
}


@pytest.mark.parametrize("what", CENTRES)
def test_bodies_of_offers_that_are_no_centre(what: str) -> None:
    with refused("offer.no-centre"):
        read_centre(offer_header(), centre_body(**CENTRES[what]))


def test_the_centre_is_what_the_body_holds() -> None:
    centre = np.arange(FEATURES) / 7
    assert read_centre(offer_header(), centre_body(centre=centre)) == pytest.approx(centre, abs=0)


def test_files_of_earlier_versions_are_refused_by_name() -> None:
    """Whatever else is wrong with them, and with the advice to make a new offer."""
    offer, query, answer = map(of_earlier_versions, (offer_header(), query_header(), answer_header()))
    with refused("offer.old-encryption"):
        admit_offer(signed(offer, "owner"))
    with refused("query.old-encryption"):
        admit_query(signed(query, "clinic"), party("owner").public())
    with refused("answer.old-encryption"):
        admit_answer(signed(answer, "owner"), query, signed(query, "clinic").digest, offer)
    with refused("answer.old-encryption"):  # to a query of this version
        admit_answer(signed(answer, "owner"), query_header(), OTHER, offer_header())


@pytest.mark.parametrize("features", [("packed-queries",), ("packed-queries", "rlwe-queries")])
def test_an_offer_says_twice_how_it_is_encrypted(features: tuple[str, ...]) -> None:
    gone = {} if "rlwe-queries" in features else {"mixing_seed": None, "score_range": None}
    with refused("offer.other-parameters"):
        admit_offer(signed(altered(offer_header(), features=features, **gone), "owner"))


# Queries

QUERIES: dict[str, tuple[dict[str, object], str]] = {
    "another sender": ({"sender": OTHER}, "query.other-sender"),
    "another owner": ({"recipients": (OTHER,)}, "query.other-recipient"),
    "nobody": ({"recipients": ()}, "query.other-recipient"),
    "two owners": ({"recipients": (fingerprint("owner"), OTHER)}, "query.other-recipient"),
}
LENGTH = offer_header().layout.query_bytes(2)
QUERIES_TO: dict[str, tuple[dict[str, object], str]] = {
    "another model": ({"model": OTHER}, "query.other-model"),
    "another study": ({"study": "elsewhere"}, "query.other-study"),
    "no study": ({"study": None}, "query.other-study"),
    "other parameters": ({"parameters": "ckks/8192/60-49-49-60/2"}, "query.other-form"),
    "another format": ({"format": 1}, "query.other-form"),
    "another feature": ({"features": ("packed-queries", "rlwe-queries")}, "query.other-form"),
    "a plain body": ({"body": Body(length=LENGTH)}, "sealed-body.plain"),
    "a plain body with a key": (
        {"body": altered(sealed_to("owner", LENGTH), cipher="none")},
        "sealed-body.plain",
    ),
    "an encrypted body without a key": (
        {"body": altered(sealed_to("owner", LENGTH), key=None)},
        "sealed-body.plain",
    ),
    "a body for somebody else": ({"body": sealed_to("clinic", LENGTH)}, "sealed-body.other-recipient"),
    "a byte too few": ({"body": sealed_to("owner", LENGTH - 1)}, "sealed-body.other-length"),
    "a byte too many": ({"body": sealed_to("owner", LENGTH + 1)}, "sealed-body.other-length"),
    "images more than it holds": ({"images": 43}, "sealed-body.other-length"),
}


@pytest.mark.parametrize("what", QUERIES)
def test_queries_that_are_not_for_this_owner(what: str) -> None:
    fields, reason = QUERIES[what]
    with refused(reason):
        admit_query(signed(altered(query_header(), **fields), "clinic"), party("owner").public())


def test_ones_own_query() -> None:
    with refused("query.own"):
        admit_query(signed(query_header(), "clinic"), party("clinic").public())


@pytest.mark.parametrize("what", QUERIES_TO)
def test_queries_that_do_not_fit_their_offer(what: str) -> None:
    fields, reason = QUERIES_TO[what]
    with refused(reason):
        admit_query_to(altered(query_header(), **fields), offer_header())


OTHERS_QUERIES: dict[str, tuple[Callable[[], Envelope], str]] = {
    "another kind": (lambda: signed(offer_header(), "owner"), "file.other-kind"),
    "another signer": (lambda: signed(query_header(), "stranger"), "signature.other-signer"),
    "a key that anybody signs by": (
        lambda: signed(altered(query_header(), hospital=ANYBODY_SIGNS), "clinic"),
        "signing-key.weak",
    ),
    "a key that nobody seals to": (
        lambda: signed(altered(query_header(), hospital=nobody_seals("clinic")), "clinic"),
        "sealing-key.weak",
    ),
}


@pytest.mark.parametrize("what", OTHERS_QUERIES)
def test_queries_of_another_kind_signer_or_key(what: str) -> None:
    envelope, reason = OTHERS_QUERIES[what]
    with refused(reason):
        admit_query(envelope(), party("owner").public())


# Answers

ANSWER_LENGTH = offer_header().layout.answer_bytes(2)
ANSWERS: dict[str, tuple[dict[str, object], str]] = {
    "another sender": ({"sender": OTHER}, "answer.other-sender"),
    "another query": ({"query": OTHER}, "answer.other-query"),
    "another hospital": ({"recipients": (OTHER,)}, "answer.other-recipient"),
    "nobody": ({"recipients": ()}, "answer.other-recipient"),
    "two hospitals": ({"recipients": (fingerprint("clinic"), OTHER)}, "answer.other-recipient"),
    "fewer images": ({"images": 1}, "answer.other-images"),
    "more images": ({"images": 3}, "answer.other-images"),
    "another study": ({"study": "elsewhere"}, "answer.other-study"),
    "another offer": ({"offer": OTHER}, "answer.other-offer"),
    "more decimals": ({"decimals": 4}, "answer.other-terms"),
    "the most probable class alone": ({"top1": True}, "answer.other-terms"),
    "a plain body": ({"body": Body(length=ANSWER_LENGTH)}, "sealed-body.plain"),
    "a body for somebody else": ({"body": sealed_to("owner", ANSWER_LENGTH)}, "sealed-body.other-recipient"),
    "a byte too few": ({"body": sealed_to("clinic", ANSWER_LENGTH - 1)}, "sealed-body.other-length"),
    "a byte too many": ({"body": sealed_to("clinic", ANSWER_LENGTH + 1)}, "sealed-body.other-length"),
}


def admit(envelope: Envelope) -> None:
    query = query_header()
    admit_answer(envelope, query, signed(query, "clinic").digest, offer_header())


@pytest.mark.parametrize("what", ANSWERS)
def test_answers_that_no_honest_owner_gives(what: str) -> None:
    fields, reason = ANSWERS[what]
    with refused(reason):
        admit(signed(altered(answer_header(), **fields), "owner"))


def test_an_answer_by_another_owner() -> None:
    with refused("answer.other-signer"):
        admit(signed(answer_header(), "stranger"))


def test_an_answer_that_was_altered_after_it_was_signed() -> None:
    envelope = signed(answer_header(), "owner")
    object.__setattr__(envelope, "signature", bytes(64))
    with refused("signature.wrong"):
        admit(envelope)


def test_an_answer_of_another_kind() -> None:
    with refused("file.other-kind"):
        admit(signed(offer_header(), "owner"))


# Sealed bodies


def sealed_query(about: str = OTHER) -> tuple[QueryHeader, bytes]:
    body, data = seal_body(
        "query",
        [b"plain"],
        sender=fingerprint("clinic"),
        recipient=party("owner").public(),
        study="pneumonia",
        about=about,
    )
    return altered(query_header(), body=body), data


def test_a_body_opens_for_its_recipient_and_is_described_rightly() -> None:
    header, data = sealed_query()
    assert header.body.length == len(data)
    assert header.body.sha256 == hashlib.sha256(data).hexdigest()
    assert header.body.cipher == "chacha20poly1305-stream"
    assert header.body.key is not None
    assert header.body.key.recipient == fingerprint("owner")
    assert b"".join(open_body(header, OTHER, [data], party("owner"))) == b"plain"


@pytest.mark.parametrize(
    ("fields", "about", "by"),
    [
        ({}, "1" * 64, "owner"),
        ({"study": "elsewhere"}, OTHER, "owner"),
        ({"sender": OTHER}, OTHER, "owner"),
        ({}, OTHER, "clinic"),
    ],
)
def test_a_body_opens_for_nothing_else(fields: dict[str, object], about: str, by: str) -> None:
    header, data = sealed_query()
    with pytest.raises(WrongKeyError):
        list(open_body(altered(header, **fields), about, [data], party(by)))


# Headers


def test_what_a_header_may_say() -> None:
    from pydantic import ValidationError

    offer, query, answer = offer_header(), query_header(), answer_header()
    for header, field, good, bad in [
        (offer, "limit", (1, 1_000_000), (0, 1_000_001)),
        (offer, "decimals", (1, 6), (0, 7)),
        (offer, "feature_dim", (1, 4096), (0, 4097)),
        (offer, "feature_radius", (1e-9, 1e6), (0.0, 1e6 + 0.5, float("inf"), float("nan"))),
        (offer, "classes", (CLASSES[:2], tuple(f"c{n}" for n in range(50))),
         (CLASSES[:1], tuple(f"c{n}" for n in range(51)))),
        (offer, "extractor", ("", "x" * 200), ("x" * 201,)),
        (offer, "score_range", (8, 1024), (4, 9, 2048, True)),
        (offer, "mixing_seed", ("0" * 64,), ("0" * 63, "g" * 64)),
        (query, "images", (1, 256), (0, 257)),
        (answer, "images", (1, 256), (0, 257)),
        (answer, "decimals", (1, 6), (0, 7)),
        (answer, "left", (0, 1_000_000), (-1, 1_000_001)),
        *((header, "parameters", (parameters.ID,), ("ckks/16384/60-49-49-60/1",))
          for header in (offer, query, answer)),
    ]:  # fmt: skip
        for value in good:
            type(header).model_validate(header.model_dump() | {field: value})
        for value in bad:
            with pytest.raises(ValidationError, match=field):
                type(header).model_validate(header.model_dump() | {field: value})


def test_an_offer_tells_its_terms_and_its_layout() -> None:
    offer: OfferHeader = altered(offer_header(), limit=7, decimals=2, top1=True)
    assert vars(offer.terms) == {"limit": 7, "decimals": 2, "top1": True}
    assert (offer.layout.features, offer.layout.classes) == (FEATURES, 3)
    assert (offer.layout.decimals, offer.layout.score_range) == (2, 16)
    assert offer.seed == b"\x5e" * 32
