"""What a model and a summary have in common: both are what came of a round's sum, signed by the coordinator.

Tested in tests/unit/test_vectors.py, tests/unit/test_vectors_format2.py and tests/cli/test_tasks.py.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from pydantic import Field, JsonValue

from privxray.exchange.messages.plan import ClassName, SignedPlan
from privxray.formats.extractor_file import ExtractorFile, NamedExtractor, named_extractor
from privxray.formats.header import Body, Digest, Header, Stamp
from privxray.keys.identity import Identity


class ResultHeader(Header):
    """The terms of the round's plan, and ``proof``, the digest of its proof, if the plan has commitments."""

    method: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    constants: dict[str, JsonValue]
    extractor: Annotated[str, Field(max_length=200)] | None
    extractor_file: ExtractorFile | None = None
    classes: Annotated[tuple[ClassName, ...], Field(strict=False, min_length=2, max_length=50)]
    epsilon: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    delta: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
    proof: Digest | None = None

    @property
    def features_by(self) -> NamedExtractor:
        """What computes the features; None where pixels go in."""
        return named_extractor(self.extractor, self.extractor_file)


def result_fields(
    kind: str, signed: SignedPlan, body: bytes, identity: Identity, stamp: Stamp
) -> dict[str, Any]:
    """The fields of a result that follow from its plan, its body and who signs.

    :param kind: of the file, as ``model``.
    """
    plan = signed.plan
    form = plan.form.of_kind(kind)
    return {
        "format": form.format,
        "features": form.features,
        "study": plan.study,
        "round": plan.round,
        "sender": identity.public().fingerprint,
        "plan": signed.digest,
        "body": Body(length=len(body), sha256=hashlib.sha256(body).hexdigest()),
        "created": stamp.created,
        "software": stamp.software,
        "method": plan.method,
        "constants": plan.constants,
        "extractor": plan.extractor,
        "extractor_file": plan.extractor_file,
        "classes": plan.classes,
        "epsilon": plan.epsilon,
        "delta": plan.delta,
    }
