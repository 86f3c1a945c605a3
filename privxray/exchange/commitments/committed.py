"""What a hospital's update is bound to, and how its header states it.

The header has ``commitment``, the commitment to the vector, and ``masks``, those to the streams that hide it:
32 bytes each, by ascending fingerprint of the hospital at the other end, and the self-mask's last, where the
plan has keyholders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from privxray.errors import MalformedError
from privxray.formats import canonical
from privxray.formats.header import Fingerprint

_ANEW = "Ask the hospital to export its update again, or plan the round anew without it"


@dataclass(frozen=True)
class Committed:
    """What one hospital is bound to: points of 32 bytes.

    :param vector: C_u.
    :param streams: the commitment to each of its streams, by the hospital at the other end; its own
        fingerprint stands for its self-mask.
    """

    vector: bytes
    streams: Mapping[Fingerprint, bytes]

    def stated(self, own: Fingerprint) -> tuple[str, str]:
        """The header's fields ``commitment`` and ``masks`` of hospital ``own``, in base64."""
        points = [self.streams[other] for other in _order(self.streams, own)]
        return canonical.to_base64(self.vector), canonical.to_base64(b"".join(points))


def read_committed(
    commitment: str, masks: str, own: Fingerprint, hospitals: Sequence[Fingerprint], *, self_mask: bool
) -> Committed:
    """What a header states, as points that are in the group.

    :param own: whose header it is; ``hospitals`` are all of the plan.
    :param self_mask: whether the plan has keyholders, so that there is one.
    :raises MalformedError: not as many points as the plan demands, or one that nobody may send.
    """
    from privxray.exchange.commitments.group import POINT_BYTES, is_usable

    others = _order([one for one in hospitals if self_mask or one != own], own)
    data = canonical.from_base64(commitment, "a commitment", reason="update.commitment-base64")
    data += canonical.from_base64(masks, "the commitments to masks", reason="update.masks-base64")
    points = [data[at : at + POINT_BYTES] for at in range(0, len(data), POINT_BYTES)]
    if len(data) != POINT_BYTES * (len(others) + 1):
        raise MalformedError(
            "it does not have one commitment for its vector and for each of its masks",
            reason="update.commitments-count",
            advice=_ANEW,
        )
    if not all(is_usable(point) for point in points):
        raise MalformedError(
            "a commitment in it is no point of the group", reason="update.commitment-no-point", advice=_ANEW
        )
    return Committed(points[0], dict(zip(others, points[1:], strict=True)))


def _order(parties: Iterable[Fingerprint], own: Fingerprint) -> list[Fingerprint]:
    """The hospitals at the other ends, ascending, and then ``own`` where it is among them."""
    return sorted(parties, key=lambda one: (one == own, one))
