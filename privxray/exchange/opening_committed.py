"""Opening a sum under commitments: each update is held against what its hospital signed, then all are added.

:mod:`privxray.exchange.commitments.checking` says what is checked and why it names the one who is wrong. The
sum without commitments is opened by :mod:`.opening`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from privxray.errors import CohortError, PrivxrayError, about
from privxray.exchange.commitments.checking import contradictions, is_as_committed
from privxray.exchange.commitments.committed import Committed
from privxray.exchange.commitments.pedersen import commit
from privxray.exchange.commitments.scalars import (
    OpenedSum,
    Scalars,
    add_into,
    as_integers,
    read_scalars,
    stream,
)
from privxray.exchange.masking.summing import check_range
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.opening import Restored
from privxray.formats.header import Fingerprint
from privxray.formats.tensors import total_size
from privxray.steps import step

_ANEW = "Ask for the version of privxray there, then repeat the round: privxray plan --repeat updates/*.enc"


@dataclass(frozen=True)
class CommittedUpdate:
    """An update of the sum: whose it is, what it is bound to, and its decrypted body in pieces."""

    sender: Fingerprint
    committed: Committed
    body: Iterable[bytes]


def open_committed_sum(
    plan: PlanHeader, updates: Sequence[CommittedUpdate], left_over: Sequence[Restored] = ()
) -> OpenedSum:
    """The sum of updates that are all what their hospitals committed to.

    :param left_over: the masks that don't cancel in it, from the keyholders' shares.
    :raises CohortError: an update, or a key that was dealt, is not as committed; it names the hospital. Or
        two hospitals committed to different streams between them; it names both.
    :raises MalformedError: an update is not the plan's vector, or the sum is larger than such vectors give.
    """
    size = total_size(plan.manifest) + 1
    bound = {update.sender: update.committed for update in updates}
    for one, other in contradictions(bound):
        raise CohortError(
            f"{_name(plan, one)} and {_name(plan, other)} state different masks between them, so one of "
            "them is wrong, and nothing tells which",
            reason="update.masks-contradict",
            advice=_ANEW,
        )
    total: Scalars = [0] * size
    with step("Checking updates") as tick:
        for number, update in enumerate(updates, 1):
            add_into(total, _as_committed(plan, update, size))
            tick(number, len(updates))
    for left in left_over:
        _take_off(total, left, bound[left.owner], plan)
    numbers = as_integers(total)
    check_range(numbers, plan.manifest, len(updates))
    return OpenedSum(numbers, total[-1])


def suspects(plan: PlanHeader, updates: Sequence[CommittedUpdate]) -> frozenset[Fingerprint]:
    """The hospitals whose update is not what it committed to, and both of a pair that contradict each other.

    Nothing is opened and nothing is added up.
    """
    size = total_size(plan.manifest) + 1
    bound = {update.sender: update.committed for update in updates}
    found = {party for pair in contradictions(bound) for party in pair}
    for update in updates:
        try:
            masked = read_scalars(update.body, size)
        except PrivxrayError:
            found.add(update.sender)
            continue
        if not is_as_committed(masked, update.committed, update.sender):
            found.add(update.sender)
    return frozenset(found)


def _as_committed(plan: PlanHeader, update: CommittedUpdate, size: int) -> Scalars:
    name = _name(plan, update.sender)
    with about(name):
        masked = read_scalars(update.body, size)
    if not is_as_committed(masked, update.committed, update.sender):
        raise CohortError(
            f"the update of {name} does not hold the vector that {name} committed to",
            reason="update.not-as-committed",
            advice=_ANEW,
        )
    return masked


def _take_off(total: Scalars, restored: Restored, committed: Committed, plan: PlanHeader) -> None:
    mask = stream(restored.key, len(total))
    if commit(mask) != committed.streams[restored.other]:
        raise CohortError(
            f"the key that {_name(plan, restored.owner)} dealt is not of the mask that it committed to",
            reason="shares.not-as-committed",
            advice=_ANEW,
        )
    add_into(total, mask, negative=restored.was_added)


def _name(plan: PlanHeader, fingerprint: Fingerprint) -> str:
    member = plan.roster.hospital(fingerprint)
    return member.name if member else "a hospital"
