"""The headers of an offer, a query and an answer (docs/SPEC-2.md, section 12).

All three name the parameters (:data:`~privxray.inference.parameters.ID`) and the model's fingerprint,
which is the digest of the global model's file. Whoever carries a query can see how many images it holds, as
its size would tell anyway, and nothing else about them.

Files of earlier versions have other parameters and, in queries, fields about evaluation keys. They are shown
by ``inspect`` and refused by everything else.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from privxray.exchange.messages.plan import ClassName
from privxray.formats.extractor_file import ExtractorFile, NamedExtractor, named_extractor
from privxray.formats.header import Digest, Header, Name
from privxray.inference.parameters import DEGREE, ID, MAX_IMAGES, RANGES, Layout, Parameters
from privxray.inference.terms import MAX_DECIMALS, MAX_LIMIT, Terms
from privxray.keys.identity import PublicKeys

Images = Annotated[int, Field(ge=1, le=MAX_IMAGES)]


def _one_of_the_ranges(value: int) -> int:
    """:raises ValueError: it is none."""
    if value not in RANGES:
        raise ValueError("a power of two from 8 to 1,024 is expected")
    return value


Classes = Annotated[tuple[ClassName, ...], Field(strict=False, min_length=2, max_length=50)]


class OfferHeader(Header):
    """An offer: all that a hospital needs to ask, and the terms. The body is the centre c as safetensors.

    A feature less its centre is divided by ``feature_radius`` and then clipped to length 1.
    :class:`~privxray.inference.terms.Terms` explains ``limit``, ``decimals`` and ``top1``. The polynomial a
    of the scheme comes out of ``mixing_seed``; scores stand between plus and minus ``score_range``.
    """

    kind: Literal["offer"] = "offer"
    owner: PublicKeys
    owner_name: Name
    model: Digest
    parameters: Parameters = ID
    extractor: Annotated[str, Field(max_length=200)]
    extractor_file: ExtractorFile | None = None
    classes: Classes
    feature_dim: Annotated[int, Field(ge=1, le=DEGREE)]
    feature_radius: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)]
    decimals: Annotated[int, Field(ge=1, le=MAX_DECIMALS)]
    top1: bool
    mixing_seed: Digest | None = None
    score_range: Annotated[int, AfterValidator(_one_of_the_ranges)] | None = None

    @property
    def features_by(self) -> NamedExtractor:
        """What computes the features."""
        return named_extractor(self.extractor, self.extractor_file)

    @property
    def layout(self) -> Layout:
        """What stands where in a query and an answer; not of an offer of an earlier version."""
        assert self.score_range is not None, "an offer of an earlier version was not refused"
        return Layout(self.feature_dim, len(self.classes), self.decimals, self.score_range)

    @property
    def seed(self) -> bytes:
        """The bytes of ``mixing_seed``; not of an offer of an earlier version."""
        assert self.mixing_seed is not None, "an offer of an earlier version was not refused"
        return bytes.fromhex(self.mixing_seed)

    @property
    def terms(self) -> Terms:
        """On what terms the owner answers."""
        return Terms(self.limit, self.decimals, self.top1)


class QueryHeader(Header):
    """A query: whose it is, for which offer, and how many encrypted images the sealed body holds.

    ``evaluation_keys`` and ``with_keys`` are in queries of earlier versions alone.
    """

    kind: Literal["query"] = "query"
    hospital: PublicKeys
    hospital_name: Name
    offer: Digest
    model: Digest
    parameters: Parameters = ID
    images: Images
    evaluation_keys: Digest | None = None
    with_keys: bool | None = None


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
