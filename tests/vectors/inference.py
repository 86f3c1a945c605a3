"""Write the vectors of encrypted inference that are missing: ``python tests/vectors/inference.py``.

An offer is whole. Of queries and answers only preamble and envelope are there: the rules that they break come
before the body is looked at, and bodies of ciphertexts are large. As with the other vectors, good files that
are there are kept, and what breaks a rule is made from them.
"""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace
from typing import TypeVar

import numpy as np
from make import HERE as ABOVE
from make import identity

from privxray.formats.container import seal_header, split
from privxray.formats.header import Body, Header
from privxray.formats.tensors import pack
from privxray.inference.admit_inference import MAX_OFFER_BODY
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.inference.hospital_side import ask
from privxray.inference.owner_side import Answering, Head, answers
from privxray.inference.parameters import Layout
from privxray.inference.terms import Terms
from privxray.inference.wire import to_bytes
from privxray.keys.identity import Identity
from privxray.keys.sealed_body import seal_body
from privxray.privacy.noise import SecureNoise

HERE = ABOVE / "inference"
COMMON = {
    "format": 2,
    "features": ("rlwe-queries",),
    "study": "pneumonia",
    "round": 1,
    "created": "2026-01-02T03:04:05Z",
    "software": "privxray 0.1.0",
}
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
        mixing_seed="5e" * 32,
        score_range=16,
    )

    def other(**fields: object) -> bytes:
        return start(good.model_copy(update=fields), owner) + body

    def without(field: str) -> bytes:
        return start(good.model_copy(update={field: None}), owner) + body

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
        "offer-without-feature": (
            other(features=(), mixing_seed=None, score_range=None),
            "offer.other-parameters",
            "feature",
        ),
        "offer-packed-as-well": (
            other(features=("packed-queries", "rlwe-queries")),
            "offer.other-parameters",
            "feature",
        ),
        "offer-of-earlier-parameters": (
            other(parameters="ckks/8192/60-49-49-60/2"),
            "offer.old-encryption",
            "parameters",
        ),
        "offer-range-of-twelve": (other(score_range=12), "header.field", "a power of two"),
        "offer-range-too-wide": (other(score_range=2048), "header.field", "at most 1,024"),
        "offer-seed-too-short": (other(mixing_seed="5e" * 31), "header.field", "32 bytes"),
        "offer-without-seed": (without("mixing_seed"), "header.field-of-feature-lacking", "its feature"),
        "offer-without-range": (without("score_range"), "header.field-of-feature-lacking", "its feature"),
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
    length = terms.layout.query_bytes(2)

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
        body=sealed(length),
        hospital=clinic.public(),
        hospital_name="clinic",
        offer=asked.digest,
        model=terms.model,
        images=2,
    )  # fmt: skip

    def other(**fields: object) -> bytes:
        return start(good.model_copy(update=fields), clinic)

    def body(**fields: object) -> bytes:
        return other(body=good.body.model_copy(update=fields))

    def with_keys() -> bytes:
        stated = good.stated() | {"with_keys": False}
        header = SimpleNamespace(stated=lambda: stated, kind="query", format=2)
        return start(header, clinic)  # type: ignore[arg-type]

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
            other(body=sealed(length, clinic)),
            "sealed-body.other-recipient",
            "encrypted body",
        ),
        "query-a-byte-short": (
            body(length=good.body.length - 1),
            "sealed-body.other-length",
            "sealed length",
        ),
        "query-of-many": (other(images=256), "ok", "256 images of 4 features are one ciphertext"),
        "query-of-none": (other(images=0), "header.field", "1 to 256 images"),
        "query-of-earlier-parameters": (
            other(parameters="ckks/8192/60-49-49-60/2"),
            "query.old-encryption",
            "parameters",
        ),
        "query-of-another-form": (
            other(features=("packed-queries", "rlwe-queries")),
            "query.other-form",
            "the offer's features",
        ),
        "query-with-keys": (with_keys(), "header.field-of-other-feature", "a field that the feature ends"),
    }


def answered(owner: Identity, clinic: Identity, query: bytes, stranger: Identity) -> Made:
    envelope = split(query)
    length = split(stored("offer") or b"").claim(OfferHeader).layout.answer_bytes(2)
    asked = envelope.claim(QueryHeader)

    def sealed(to: Identity = clinic) -> Body:
        return seal_body(
            "answer",
            [bytes(length)],
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
        "answer-of-earlier-parameters": (
            other(parameters="ckks/8192/60-49-49-60/2"),
            "answer.old-encryption",
            "parameters",
        ),
        "answer-of-another-form": (
            other(features=("packed-queries", "rlwe-queries")),
            "answer.other-form",
            "the offer's features",
        ),
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


OLD = ("old-offer", "old-query", "old-answer", "old-packed-offer", "old-packed-query", "old-packed-answer")
"""Files that were good in earlier versions; nobody makes them any more."""


def old() -> Made:
    """Whole offers, and the starts of queries and answers, with the CKKS parameters of earlier versions."""
    return {
        name: (stored(name) or b"", f"{name.rpartition('-')[2]}.old-encryption", "parameters") for name in OLD
    }


def numbers() -> dict[str, object]:
    """A question about one image and its answer, before they were sealed, and all that is in them.

    At four decimals, so modulo three primes and two. The bodies are drawn once, and kept.
    """
    layout = Layout(FEATURES, 2, 4, 8)
    z, weights = np.array([[0.5, -0.5, 0.25, 0.0]]), np.array([[1.5, -2.0, 0.25, 1.0]])
    head = Head(np.vstack([weights, -weights]), np.array([0.5, -0.5]))
    mixing = hashlib.sha256(b"mixing seed").digest()
    folder = HERE / "numbers"
    folder.mkdir(exist_ok=True)
    if not (folder / "answer.bin").exists():
        asking = ask(z, layout, mixing)
        owner = Answering(head, mixing, layout, Terms(None, layout.decimals))
        (result,) = answers(owner, asking.question, 1, SecureNoise())
        (folder / "query.bin").write_bytes(asking.question.to_bytes())
        (folder / "secret.bin").write_bytes(asking.secret)
        (folder / "answer.bin").write_bytes(to_bytes(result))
    return {
        "mixing_seed": mixing.hex(),
        "secret": (folder / "secret.bin").read_bytes().hex(),
        "features": z[0].tolist(),
        "weights": head.weights.tolist(),
        "offsets": head.offsets.tolist(),
        "decimals": layout.decimals,
        "score_range": layout.score_range,
    }


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
    write(answered(owner, clinic, stored("query") or b"", identity("stranger")))
    write(old())
    secrets = {name: party.sealing.secret().hex() for name, party in (("owner", owner), ("clinic", clinic))}
    told = {"files": index, "sealing_secrets": secrets, "numbers": numbers()}
    (HERE / "index.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
