"""A summary: the opened sums of a round that only counts patients, signed by the coordinator.

It does not name a hospital or say how many took part, so anybody may see it. Its numbers have the noise that
each hospital has put on its own (docs/SPEC-2.md, section 4).

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.result_header import ResultHeader, result_fields
from privxray.formats.container import seal_header
from privxray.formats.header import Digest, Stamp, TaskName
from privxray.formats.tensors import pack
from privxray.keys.identity import Identity

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SummaryHeader(ResultHeader):
    """The header of a summary; the body is the sums as float64 tensors.

    ``task`` and ``epsilon`` are the plan's. ``proof`` is the digest of the round's proof, if the plan has
    commitments.
    """

    kind: Literal["summary"] = "summary"
    task: TaskName


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
    body = pack(sums)
    header = SummaryHeader(
        **result_fields("summary", signed, body, identity, stamp),
        task=signed.plan.its_task,
        proof=proof,
    )
    return seal_header(header, identity.signing, header.sender) + body
