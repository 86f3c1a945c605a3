"""Whether an update is wrong, so that every recipient of a plan can see it.

It is wrong where it is not what its hospital committed to, or does not show that it keeps to its plan's
bounds. The coordinator shows the whole update with the key of its body. The hospital signed the digest of the
encrypted body, and a second key that opens what an honest hospital has encrypted can't be found: the tags
would have to match by chance. So nobody can show an honest hospital's update to be wrong (docs/adr/0145).

Tested in tests/attacks/test_repeats_played_off.py.
"""

from __future__ import annotations

import hashlib

from privxray.errors import PrivxrayError, RefusedError
from privxray.exchange.admission.admit import admit_update, read_update
from privxray.exchange.bounds.checking import out_of_bounds
from privxray.exchange.commitments.checking import is_as_committed
from privxray.exchange.commitments.scalars import read_scalars
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.repeats import Faulty
from privxray.exchange.messages.update import UpdateHeader, bounds_claim, committed_of
from privxray.formats import canonical, stream
from privxray.formats.container import check_body, split
from privxray.formats.header import Fingerprint
from privxray.formats.tensors import total_size


def proven_faulty(claim: Faulty, failed: SignedPlan) -> Fingerprint:
    """The hospital whose update of the plan ``failed`` is not as it must be. It takes a commitment.

    :raises RefusedError: it is as committed and keeps to the plan's bounds, or it obeys another plan.
    :raises IdentityError: no hospital of that plan signed it.
    :raises MalformedError: it is damaged, or the key does not open it.
    """
    data = canonical.from_base64(claim.update, "an update in the plan", reason="repeat.statement-base64")
    key = canonical.from_base64(
        claim.key, "the key of an update in the plan", reason="repeat.faulty-key", length=stream.KEY_BYTES
    )
    envelope = split(data)
    header, member = read_update(envelope, failed.plan.roster.members)
    admit_update(header, member, failed)
    body = data[envelope.length :]
    check_body(header.body, len(body), hashlib.sha256(body).hexdigest())
    plain = b"".join(stream.unseal(key, [body]))
    try:
        masked = read_scalars([plain], total_size(failed.plan.manifest) + 1)
    except PrivxrayError:
        return header.sender  # it signed something else than the plan's vector
    if is_as_committed(masked, committed_of(header, failed.plan), header.sender) and _keeps_to_bounds(
        header, failed.plan
    ):
        raise RefusedError(
            f"the plan says that the update of {member.name} is wrong, and nothing in it is",
            reason="repeat.not-faulty",
            advice="Don't follow it; tell the data officers of the hospitals",
        )
    return header.sender


def _keeps_to_bounds(header: UpdateHeader, plan: PlanHeader) -> bool:
    """Whether an update shows that it keeps to its plan's bounds, where the plan asks for that."""
    statement = plan.proven
    return statement is None or not out_of_bounds(statement, {header.sender: bounds_claim(header, plan)})
