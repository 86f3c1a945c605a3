"""An owner, a hospital and their three files in memory, as altered software could sign them too.

The bodies are never opened.
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
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.keys.identity import Identity

H = TypeVar("H", bound=Strict)

FEATURES = 96
CLASSES = ("normal", "bacteria", "virus")
FORM = {"format": 2, "features": ("rlwe-queries",)}
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
        mixing_seed="5e" * 32,
        score_range=16,
        **FORM,
    )


def sealed_to(name: str, length: int) -> Body:
    """The description of a body of so many bytes before it was sealed; the body itself is not there."""
    return Body(
        length=sealed_length(length),
        cipher="chacha20poly1305-stream",
        key=SealedKey(recipient=fingerprint(name), wrapped=""),
    )


def query_header(images: int = 2) -> QueryHeader:
    offer = offer_header()
    return QueryHeader(
        **COMMON,
        sender=fingerprint("clinic"),
        recipients=(fingerprint("owner"),),
        body=sealed_to("owner", offer.layout.query_bytes(images)),
        hospital=party("clinic").public(),
        hospital_name="clinic",
        offer=signed(offer, "owner").digest,
        model=offer.model,
        images=images,
        **FORM,
    )


def answer_header(images: int = 2) -> AnswerHeader:
    query = query_header(images)
    return AnswerHeader(
        **COMMON,
        sender=fingerprint("owner"),
        recipients=(fingerprint("clinic"),),
        body=sealed_to("clinic", offer_header().layout.answer_bytes(images)),
        query=signed(query, "clinic").digest,
        offer=query.offer,
        model=query.model,
        images=images,
        decimals=3,
        top1=False,
        left=98,
        **FORM,
    )


def of_earlier_versions(header: H) -> H:
    """The header as the version before wrote it."""
    form = {"format": 2, "features": ("packed-queries",), "parameters": "ckks/8192/60-49-49-60/2"}
    gone = {
        "offer": {"mixing_seed": None, "score_range": None},
        "query": {"evaluation_keys": OTHER, "with_keys": False},
        "answer": {},
    }
    return altered(header, **form | gone[header.kind])
