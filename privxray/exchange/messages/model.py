"""A global model: what the opened sum became, signed by the coordinator.

It does not name a hospital or say how many took part, so anybody may see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.result_header import ResultHeader, result_fields
from privxray.formats.container import seal_header
from privxray.formats.header import Digest, Stamp
from privxray.formats.tensors import pack
from privxray.keys.identity import Identity

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ModelHeader(ResultHeader):
    """The header of a global model; the body is its tensors. ``epsilon`` is the plan's.

    ``proof`` is the digest of the round's proof, if the plan has commitments.
    """

    kind: Literal["model"] = "model"
    stage: Annotated[int, Field(ge=1, le=1000)]
    stages: Annotated[int, Field(ge=1, le=1000)]


def write_model(
    tensors: Mapping[str, NDArray[Any]],
    signed: SignedPlan,
    identity: Identity,
    stamp: Stamp,
    *,
    proof: Digest | None = None,
) -> bytes:
    """Sign and serialise the model that a round gave.

    :param proof: the digest of the round's proof, under a plan with commitments.
    """
    body = pack(tensors)
    header = ModelHeader(
        **result_fields("model", signed, body, identity, stamp),
        stage=signed.plan.stage,
        stages=signed.plan.stages,
        proof=proof,
    )
    return seal_header(header, identity.signing, header.sender) + body
