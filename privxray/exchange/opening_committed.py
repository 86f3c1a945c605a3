"""Opening a sum under commitments: each update is held against what its hospital signed, then all are added.

:mod:`privxray.exchange.commitments.checking` says what is checked and why it names the one who is wrong. The
sum without commitments is opened by :mod:`.opening`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from privxray.errors import CohortError, PrivxrayError, about
from privxray.exchange.bounds.bound_proof import Claim
from privxray.exchange.bounds.checking import ReadOneByOne, out_of_bounds
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

_ASK = "Ask for the version of privxray there"


def _nothing() -> None:
    """What an update under a plan without proofs of bounds claims."""


@dataclass(frozen=True)
class CommittedUpdate:
    """An update of the sum: whose it is, what it is bound to, and its decrypted body in pieces.

    :param bounds: gives its claim that its vector keeps to the bounds of the plan; None under a plan without
        proofs of them.
    """

    sender: Fingerprint
    committed: Committed
    body: Iterable[bytes]
    bounds: Callable[[], Claim | None] = _nothing


def open_committed_sum(
    plan: PlanHeader, updates: Sequence[CommittedUpdate], left_over: Sequence[Restored] = ()
) -> OpenedSum:
    """The sum of updates that are all what their hospitals committed to.

    :param left_over: the masks that don't cancel in it, from the keyholders' shares.
    :raises CohortError: an update, or a key that was dealt, is not as committed, or an update does not show
        that it keeps to the plan's bounds; it names the hospital. Or two hospitals committed to different
        streams between them; it names both.
    :raises MalformedError: an update is not the plan's vector, or the sum is larger than such vectors give.
    """
    bound = {update.sender: update.committed for update in updates}
    total: Scalars = [0] * (total_size(plan.manifest) + 1)
    for masked in _as_committed(plan, updates):
        add_into(total, masked)
    for left in left_over:
        _take_off(total, left, bound[left.owner], plan)
    numbers = as_integers(total)
    check_range(numbers, plan.manifest, len(updates), plan.proven.limits if plan.proven else None)
    return OpenedSum(numbers, total[-1])


def expect_as_committed(plan: PlanHeader, updates: Sequence[CommittedUpdate]) -> None:
    """Check all updates before the keyholders are asked for their sum: a wrong one is left out of it then.

    :raises CohortError: as :func:`open_committed_sum`.
    :raises MalformedError: an update is not the plan's vector.
    """
    for _ in _as_committed(plan, updates):
        pass


def _as_committed(plan: PlanHeader, updates: Sequence[CommittedUpdate]) -> Iterator[Scalars]:
    """The masked vectors, each held against what its hospital committed to and proved."""
    bound = {update.sender: update.committed for update in updates}
    for one, other in contradictions(bound):
        raise CohortError(
            f"{_name(plan, one)} and {_name(plan, other)} state different masks between them, so one of "
            "them is wrong, and nothing tells which",
            reason="update.masks-contradict",
            advice=_anew(plan, "them"),
        )
    for sender in _out_of_bounds(plan, updates):
        name = _name(plan, sender)
        raise CohortError(
            f"the update of {name} does not show that its numbers are within the bounds of the plan",
            reason="update.out-of-bounds",
            advice=_anew(plan, "it"),
        )
    with step("Checking updates") as tick:
        for number, update in enumerate(updates, 1):
            name = _name(plan, update.sender)
            with about(name):
                masked = read_scalars(update.body, total_size(plan.manifest) + 1)
            if not is_as_committed(masked, update.committed, update.sender):
                raise CohortError(
                    f"the update of {name} does not hold the vector that {name} committed to",
                    reason="update.not-as-committed",
                    advice=_anew(plan, "it"),
                )
            yield masked
            tick(number, len(updates))


def faulty_updates(plan: PlanHeader, updates: Sequence[CommittedUpdate]) -> frozenset[Fingerprint]:
    """The hospitals whose update is not what it committed to, or out of the plan's bounds. Nothing is opened.

    Two that state different masks between them are not among them: their masks are wrong, and not their
    vectors (docs/adr/0145).
    """
    size = total_size(plan.manifest) + 1
    found = set(_out_of_bounds(plan, updates))
    for update in updates:
        try:
            masked = read_scalars(update.body, size)
        except PrivxrayError:
            found.add(update.sender)
            continue
        if not is_as_committed(masked, update.committed, update.sender):
            found.add(update.sender)
    return frozenset(found)


def _out_of_bounds(plan: PlanHeader, updates: Sequence[CommittedUpdate]) -> list[Fingerprint]:
    """Whose proof of bounds does not hold; none under a plan without them."""
    statement = plan.proven
    if statement is None:
        return []
    return out_of_bounds(statement, ReadOneByOne({update.sender: update.bounds for update in updates}))


def _take_off(total: Scalars, restored: Restored, committed: Committed, plan: PlanHeader) -> None:
    mask = stream(restored.key, len(total))
    if commit(mask) != committed.streams[restored.other]:
        raise CohortError(
            f"the key that {_name(plan, restored.owner)} dealt is not of the mask that it committed to",
            reason="shares.not-as-committed",
            advice=f"{_ASK}, then repeat the round: privxray plan --repeat shares/*.share cards/*.card",
        )
    add_into(total, mask, negative=restored.was_added)


def _anew(plan: PlanHeader, whom: str) -> str:
    """What a coordinator can do about a wrong update, or two of them."""
    if plan.committee is None:
        return f"{_ASK}, then repeat the round: privxray plan --repeat updates/*.enc"
    return (
        f"{_ASK}. Go on without {whom}: take the file away, and type: privxray aggregate updates/*.enc "
        "--without NAME"
    )


def _name(plan: PlanHeader, fingerprint: Fingerprint) -> str:
    member = plan.roster.hospital(fingerprint)
    return member.name if member else "a hospital"
