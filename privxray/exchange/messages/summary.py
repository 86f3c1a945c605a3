"""A summary: the opened sums of a round that only counts patients, signed by the coordinator.

It does not name a hospital or say how many took part, so anybody may see it. Its numbers have the noise that
each hospital has put on its own (docs/SPEC-2.md, section 4).

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, JsonValue

from privxray.exchange.messages.plan import ClassName, SignedPlan
from privxray.formats.container import seal_header
from privxray.formats.extractor_file import ExtractorFile, NamedExtractor, named_extractor
from privxray.formats.header import Body, Digest, Header, Stamp, TaskName
from privxray.formats.tensors import pack
from privxray.keys.identity import Identity

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SummaryHeader(Header):
    """The header of a summary; the body is the sums as float64 tensors.

    ``task`` and ``epsilon`` are the plan's. ``proof`` is the digest of the round's proof, if the plan has
    commitments.
    """

    kind: Literal["summary"] = "summary"
    task: TaskName
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


def write_summary(
    sums: Mapping[str, NDArray[Any]],
    signed: SignedPlan,
    identity: Identity,
    stamp: Stamp,
    *,
    proof: Digest | None = None,
) -> bytes:
    """Sign and serialise the sums that a round gave.

    :param sums: the plan's tensors, in float64.
    :param proof: the digest of the round's proof, under a plan with commitments.
    """
    plan, body = signed.plan, pack(sums)
    form = plan.form.of_kind("summary")
    header = SummaryHeader(
        format=form.format,
        features=form.features,
        study=plan.study,
        round=plan.round,
        sender=identity.public().fingerprint,
        plan=signed.digest,
        body=Body(length=len(body), sha256=hashlib.sha256(body).hexdigest()),
        created=stamp.created,
        software=stamp.software,
        task=plan.its_task,
        method=plan.method,
        constants=plan.constants,
        extractor=plan.extractor,
        extractor_file=plan.extractor_file,
        classes=plan.classes,
        epsilon=plan.epsilon,
        delta=plan.delta,
        proof=proof,
    )
    return seal_header(header, identity.signing, header.sender) + body
