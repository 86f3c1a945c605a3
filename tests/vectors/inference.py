"""Write the vectors of encrypted inference that are missing: ``python tests/vectors/inference.py``.

An offer is whole. Of queries and answers only preamble and envelope are there: the rules that they break come
before the body is looked at, and bodies of ciphertexts are large. As with the other vectors, good files that
are there are kept, and what breaks a rule is made from them.
"""

from __future__ import annotations

import hashlib
import json
from typing import TypeVar

import numpy as np
from make import HERE as ABOVE
from make import identity

from privxray.formats.container import seal_header, split
from privxray.formats.header import Body, Header
from privxray.formats.tensors import pack
from privxray.inference import parameters
from privxray.inference.admit_inference import MAX_OFFER_BODY
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.keys.identity import Identity
from privxray.keys.sealed_body import seal_body

HERE = ABOVE / "inference"
COMMON = {"study": "pneumonia", "round": 1, "created": "2026-01-02T03:04:05Z", "software": "privxray 0.1.0"}
OTHER = "ab" * 32
FEATURES = 4
H = TypeVar("H", bound=Header)

Made = dict[str, tuple[bytes, str, str]]
"""Name -> bytes, reason expected or ``ok``, the rule of docs/SPEC.md that is tried."""


def start(header: Header, signer: Identity) -> bytes:
    """Preamble and envelope."""
    return seal_header(header, signer.signing, signer.public().fingerprint)


def stored(name: str) -> bytes | None:
    path = HERE / f"{name}.bin"
    return path.read_bytes() if path.exists() else None


def offers(owner: Identity) -> Made:
    body = pack({"centre": np.arange(FEATURES) / 8})
    good = OfferHeader(
        **COMMON,
        sender=owner.public().fingerprint,
        body=Body(length=len(body), sha256=hashlib.sha256(body).hexdigest()),
        owner=owner.public(),
        owner_name="office",
        model=OTHER,
        extractor="none",
        classes=("normal", "bacteria", "virus"),
        feature_dim=FEATURES,
        feature_radius=0.5,
        limit=20,
        decimals=3,
        top1=False,
    )

    def other(**fields: object) -> bytes:
        return start(good.model_copy(update=fields), owner) + body

    def other_body(tensors: dict[str, np.ndarray]) -> bytes:
        data = pack(tensors)
        described = Body(length=len(data), sha256=hashlib.sha256(data).hexdigest())
        return start(good.model_copy(update={"body": described}), owner) + data

    encrypted = good.body.model_copy(update={"cipher": "chacha20poly1305-stream"})
    large = good.body.model_copy(update={"length": MAX_OFFER_BODY + 1})
    return {
        "offer": (other(), "ok", "an offer"),
        "offer-another-sender": (other(sender=OTHER), "offer.other-sender", "the owner as signer"),
        "offer-class-twice": (other(classes=("a", "b", "a")), "offer.class-twice", "parts"),
        "offer-encrypted": (other(body=encrypted), "offer.encrypted", "parts"),
        "offer-too-large": (other(body=large), "offer.too-large", "parts"),
        "offer-without-centre": (other_body({"mean": np.zeros(FEATURES)}), "offer.no-centre", "one tensor"),
        "offer-centre-too-long": (other_body({"centre": np.zeros(5)}), "offer.no-centre", "right shape"),
        "offer-centre-single-precision": (
            other_body({"centre": np.zeros(FEATURES, np.float32)}),
            "offer.no-centre",
            "right shape",
        ),
        "offer-two-tensors": (
            other_body({"centre": np.zeros(FEATURES), "weights": np.zeros(3)}),
            "offer.no-centre",
            "one tensor",
        ),
    }


def queries(owner: Identity, clinic: Identity, offer: bytes) -> Made:
    asked = split(offer)
    terms = asked.claim(OfferHeader)
    keys, images = parameters.evaluation_keys_bytes(FEATURES), 2 * parameters.QUERY_BYTES

    def sealed(length: int, to: Identity = owner) -> Body:
        return seal_body(
            "query",
            [bytes(length)],
            sender=clinic.public().fingerprint,
            recipient=to.public(),
            study=terms.study,
            about=asked.digest,
        )[0]

    made = stored("query")
    good = split(made).claim(QueryHeader) if made else QueryHeader(
        **COMMON,
        sender=clinic.public().fingerprint,
        recipients=(owner.public().fingerprint,),
        body=sealed(keys + images),
        hospital=clinic.public(),
        hospital_name="clinic",
        offer=asked.digest,
        model=terms.model,
        images=2,
        evaluation_keys=OTHER,
        with_keys=True,
    )  # fmt: skip

    def other(**fields: object) -> bytes:
        return start(good.model_copy(update=fields), clinic)

    def body(**fields: object) -> bytes:
        return other(body=good.body.model_copy(update=fields))

    mine = good.model_copy(update={"sender": owner.public().fingerprint, "hospital": owner.public()})
    return {
        "query": (start(good, clinic), "ok", "a query"),
        "query-another-sender": (other(sender=OTHER), "query.other-sender", "the hospital as signer"),
        "query-own": (start(mine, owner), "query.own", "recipient"),
        "query-another-owner": (other(recipients=(OTHER,)), "query.other-recipient", "recipient"),
        "query-two-owners": (
            other(recipients=(*good.recipients, OTHER)),
            "query.other-recipient",
            "recipient",
        ),
        "query-another-model": (other(model="cd" * 32), "query.other-model", "model"),
        "query-another-study": (other(study="cardiology"), "query.other-study", "study"),
        "query-not-encrypted": (body(cipher="none"), "sealed-body.plain", "encrypted body"),
        "query-without-key": (body(key=None), "sealed-body.plain", "encrypted body"),
        "query-sealed-to-another": (
            other(body=sealed(keys + images, clinic)),
            "sealed-body.other-recipient",
            "encrypted body",
        ),
        "query-a-byte-short": (
            body(length=good.body.length - 1),
            "sealed-body.other-length",
            "sealed length",
        ),
        "query-an-image-more": (other(images=3), "sealed-body.other-length", "sealed length"),
        "query-keys-unsaid": (other(with_keys=False), "sealed-body.other-length", "sealed length"),
    }


def answers(owner: Identity, clinic: Identity, query: bytes, stranger: Identity) -> Made:
    envelope = split(query)
    asked = envelope.claim(QueryHeader)

    def sealed(to: Identity = clinic) -> Body:
        return seal_body(
            "answer",
            [bytes(2 * parameters.ANSWER_BYTES)],
            sender=owner.public().fingerprint,
            recipient=to.public(),
            study=asked.study,
            about=envelope.digest,
        )[0]

    made = stored("answer")
    good = split(made).claim(AnswerHeader) if made else AnswerHeader(
        **COMMON,
        sender=owner.public().fingerprint,
        recipients=(clinic.public().fingerprint,),
        body=sealed(),
        query=envelope.digest,
        offer=asked.offer,
        model=asked.model,
        images=2,
        decimals=3,
        top1=False,
        left=18,
    )  # fmt: skip

    def other(signer: Identity = owner, **fields: object) -> bytes:
        return start(good.model_copy(update=fields), signer)

    def body(**fields: object) -> bytes:
        return other(body=good.body.model_copy(update=fields))

    return {
        "answer": (other(), "ok", "an answer"),
        "answer-another-owner": (other(stranger), "answer.other-signer", "the offer's owner as signer"),
        "answer-another-sender": (other(sender=OTHER), "answer.other-sender", "the offer's owner as signer"),
        "answer-another-query": (other(query=OTHER), "answer.other-query", "query"),
        "answer-another-hospital": (other(recipients=(OTHER,)), "answer.other-recipient", "recipient"),
        "answer-fewer-images": (other(images=1), "answer.other-images", "images"),
        "answer-another-study": (other(study="cardiology"), "answer.other-study", "study"),
        "answer-another-offer": (other(offer="cd" * 32), "answer.other-offer", "terms"),
        "answer-more-decimals": (other(decimals=4), "answer.other-terms", "terms"),
        "answer-top1-unasked": (other(top1=True), "answer.other-terms", "terms"),
        "answer-not-encrypted": (body(cipher="none"), "sealed-body.plain", "encrypted body"),
        "answer-sealed-to-another": (
            other(body=sealed(owner)),
            "sealed-body.other-recipient",
            "encrypted body",
        ),
        "answer-a-byte-long": (
            body(length=good.body.length + 1),
            "sealed-body.other-length",
            "sealed length",
        ),
    }


PACKED = {"format": 2, "features": ("packed-queries",), "parameters": parameters.PACKED}


def packed(owner: Identity, clinic: Identity) -> Made:
    """Several images in a ciphertext (docs/SPEC-2.md, section 12): two of them, and one result for both."""
    plain = split(stored("offer") or b"")
    centre = (stored("offer") or b"")[plain.length :]
    offer = plain.claim(OfferHeader).model_copy(update=PACKED)
    asked = split(stored("query") or b"").claim(QueryHeader).model_copy(update=PACKED)
    told = split(stored("answer") or b"").claim(AnswerHeader).model_copy(update=PACKED)

    def lasting(name: str, header: Header, signer: Identity, length: int, to: Identity, about: str) -> bytes:
        """The stored file, or a header whose body is sealed now."""
        body = seal_body(
            header.kind,
            [bytes(length)],
            sender=signer.public().fingerprint,
            recipient=to.public(),
            study=header.study,
            about=about,
        )[0]
        return stored(name) or start(header.model_copy(update={"body": body}), signer)

    def other(data: bytes, kind: type[H], signer: Identity, **fields: object) -> bytes:
        return start(split(data).claim(kind).model_copy(update=fields), signer)

    first = start(offer, owner)
    keys = parameters.evaluation_keys_bytes(FEATURES)
    query_header = asked.model_copy(update={"offer": split(first).digest})
    query = lasting(
        "packed-query", query_header, clinic, keys + parameters.QUERY_BYTES, owner, split(first).digest
    )
    answer_header = told.model_copy(update={"offer": split(first).digest, "query": split(query).digest})
    answer = lasting(
        "packed-answer", answer_header, owner, parameters.ANSWER_BYTES, clinic, split(query).digest
    )
    below = {"format": 1, "features": (), "parameters": parameters.ID}
    form, other_parameters = "offer.other-parameters", {"parameters": parameters.ID}
    return {
        "packed-offer": (first + centre, "ok", "an offer"),
        "packed-offer-of-one-image": (
            start(offer.model_copy(update=other_parameters), owner) + centre, form, "parameters"),
        "packed-offer-without-feature": (
            start(offer.model_copy(update={"features": ()}), owner) + centre, form, "feature"),
        "packed-query": (query, "ok", "a query"),
        "packed-query-of-one-image": (
            other(query, QueryHeader, clinic, **other_parameters), "query.other-form", "parameters"),
        "packed-query-of-format-1": (
            other(query, QueryHeader, clinic, **below), "query.other-form", "the offer's format"),
        "packed-query-of-many": (
            other(query, QueryHeader, clinic, images=256), "ok", "256 images of 4 features fit"),
        "packed-answer": (answer, "ok", "an answer"),
        "packed-answer-of-one-image": (
            other(answer, AnswerHeader, owner, **other_parameters), "answer.other-form", "parameters"),
        "packed-answer-of-format-1": (
            other(answer, AnswerHeader, owner, **below), "answer.other-form", "the offer's format"),
    }  # fmt: skip


def main() -> None:
    owner, clinic = identity("model owner"), identity("clinic")
    index: dict[str, dict[str, str]] = {}

    def write(made: Made) -> None:
        for name, (data, reason, rule) in made.items():
            path = HERE / f"{name}.bin"
            if not path.exists():
                path.write_bytes(data)
            index[name] = {"reason": reason, "rule": rule}

    HERE.mkdir(exist_ok=True)
    write(offers(owner))
    write(queries(owner, clinic, stored("offer") or b""))
    write(answers(owner, clinic, stored("query") or b"", identity("stranger")))
    write(packed(owner, clinic))
    secrets = {name: party.sealing.secret().hex() for name, party in (("owner", owner), ("clinic", clinic))}
    told = {"files": index, "sealing_secrets": secrets}
    (HERE / "index.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
