"""An owner, a hospital and their three files in memory, as altered software could sign them too.

Nothing here needs TenSEAL: the bodies are never opened, and residues are drawn below their primes.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TypeVar

import numpy as np

from privxray.formats.container import Envelope, seal_header, split
from privxray.formats.header import Body, Header, SealedKey, Strict
from privxray.formats.stream import sealed_length
from privxray.formats.tensors import pack
from privxray.inference import parameters
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.keys.identity import Identity

H = TypeVar("H", bound=Strict)

FEATURES = 96
CLASSES = ("normal", "bacteria", "virus")
COMMON = {"study": "pneumonia", "round": 1, "created": "2026-01-02T03:04:05Z", "software": "privxray 0.1.0"}
OTHER = "0" * 64
"""The digest or fingerprint of nothing."""


@cache
def party(name: str) -> Identity:
    """The keys of the party of this name, the same in the whole session."""
    return Identity.generate()


def fingerprint(name: str) -> str:
    return party(name).public().fingerprint


def signed(header: Header, by: str) -> Envelope:
    """The header as a file's envelope, signed by a party."""
    return split(seal_header(header, party(by).signing, fingerprint(by)))


def altered(header: H, **fields: object) -> H:
    """The header with other fields, which are as the caller gives them, right or wrong."""
    return header.model_copy(update=fields)


def centre_body(**tensors: np.ndarray) -> bytes:
    """The body of an offer; by default the centre of 96 features."""
    return pack(tensors or {"centre": np.zeros(FEATURES)})


def offer_header() -> OfferHeader:
    body = centre_body()
    return OfferHeader(
        **COMMON,
        sender=fingerprint("owner"),
        body=Body(length=len(body), sha256=hashlib.sha256(body).hexdigest()),
        owner=party("owner").public(),
        owner_name="office",
        model="ab" * 32,
        extractor="none",
        classes=CLASSES,
        feature_dim=FEATURES,
        feature_radius=0.5,
        limit=100,
        decimals=3,
        top1=False,
    )


def sealed_to(name: str, length: int) -> Body:
    """The description of a body of so many bytes before it was sealed; the body itself is not there."""
    return Body(
        length=sealed_length(length),
        cipher="chacha20poly1305-stream",
        key=SealedKey(recipient=fingerprint(name), wrapped=""),
    )


def query_header(images: int = 2, *, with_keys: bool = True) -> QueryHeader:
    keys = parameters.evaluation_keys_bytes(FEATURES) if with_keys else 0
    offer = offer_header()
    return QueryHeader(
        **COMMON,
        sender=fingerprint("clinic"),
        recipients=(fingerprint("owner"),),
        body=sealed_to("owner", keys + images * parameters.QUERY_BYTES),
        hospital=party("clinic").public(),
        hospital_name="clinic",
        offer=signed(offer, "owner").digest,
        model=offer.model,
        images=images,
        evaluation_keys=OTHER,
        with_keys=with_keys,
    )


def answer_header(images: int = 2) -> AnswerHeader:
    query = query_header(images)
    return AnswerHeader(
        **COMMON,
        sender=fingerprint("owner"),
        recipients=(fingerprint("clinic"),),
        body=sealed_to("clinic", images * parameters.ANSWER_BYTES),
        query=signed(query, "clinic").digest,
        offer=query.offer,
        model=query.model,
        images=images,
        decimals=3,
        top1=False,
        left=98,
    )


def residues(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers below their primes, shape [*shape, 8192]; the last number of ``shape`` counts primes."""
    limits = np.array(parameters.PRIMES[: shape[-1]], np.uint64)[:, None]
    return np.random.default_rng(seed).integers(1, limits, (*shape, parameters.DEGREE), np.uint64)
