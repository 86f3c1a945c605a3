"""The headers of an offer, a query and an answer (docs/SPEC.md, section 10).

All three name the CKKS parameters (:data:`~privxray.inference.parameters.ID`) and the model's fingerprint,
which is the digest of the global model's file. Whoever carries a query can see how many images it holds, as
its size would tell anyway, and nothing else about them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from privxray.exchange.messages.plan import ClassName
from privxray.formats.extractor_file import ExtractorFile, NamedExtractor, named_extractor
from privxray.formats.header import Digest, Header, Name
from privxray.inference.parameters import (
    ID,
    MAX_IMAGES,
    PACKED,
    SLOTS,
    Layout,
    Parameters,
    evaluation_keys_bytes,
)
from privxray.inference.terms import MAX_DECIMALS, MAX_LIMIT, Terms
from privxray.keys.identity import PublicKeys

Images = Annotated[int, Field(ge=1, le=MAX_IMAGES)]
Classes = Annotated[tuple[ClassName, ...], Field(strict=False, min_length=2, max_length=50)]


class OfferHeader(Header):
    """An offer: all that a hospital needs to ask, and the terms. The body is the centre c as safetensors.

    A feature less its centre is divided by ``feature_radius`` and then clipped to length 1.
    :class:`~privxray.inference.terms.Terms` explains ``limit``, ``decimals`` and ``top1``.
    """

    kind: Literal["offer"] = "offer"
    owner: PublicKeys
    owner_name: Name
    model: Digest
    parameters: Parameters = ID
    extractor: Annotated[str, Field(max_length=200)]
    extractor_file: ExtractorFile | None = None
    classes: Classes
    feature_dim: Annotated[int, Field(ge=1, le=SLOTS)]
    feature_radius: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)]
    decimals: Annotated[int, Field(ge=1, le=MAX_DECIMALS)]
    top1: bool

    @property
    def features_by(self) -> NamedExtractor:
        """What computes the features."""
        return named_extractor(self.extractor, self.extractor_file)

    @property
    def layout(self) -> Layout:
        """Where features and results stand in the slots."""
        return Layout(self.feature_dim, len(self.classes), self.parameters == PACKED)

    @property
    def terms(self) -> Terms:
        """On what terms the owner answers."""
        return Terms(self.limit, self.decimals, self.top1)


class QueryHeader(Header):
    """A query: the hospital's keys, and how many encrypted images the sealed body holds.

    ``evaluation_keys`` is the SHA-256 of the hospital's CKKS public key and rotation keys. If ``with_keys``
    is set, the keys themselves stand in the body, before the images.
    """

    kind: Literal["query"] = "query"
    hospital: PublicKeys
    hospital_name: Name
    offer: Digest
    model: Digest
    parameters: Parameters = ID
    images: Images
    evaluation_keys: Digest
    with_keys: bool

    def plain_length(self, layout: Layout) -> int:
        """Bytes of the body before it is sealed.

        :param layout: of the offer.
        """
        keys = evaluation_keys_bytes(layout.features) if self.with_keys else 0
        return keys + layout.query_bytes(self.images)


class AnswerHeader(Header):
    """An answer: to which query, by which model, and how many more images this hospital may ask about."""

    kind: Literal["answer"] = "answer"
    query: Digest
    offer: Digest
    model: Digest
    parameters: Parameters = ID
    images: Images
    decimals: Annotated[int, Field(ge=1, le=MAX_DECIMALS)]
    top1: bool
    left: Annotated[int, Field(ge=0, le=MAX_LIMIT)]
