"""HPKE's ``info`` (docs/SPEC.md, section 1): what a sealed secret is for, so that it opens nowhere else."""

from __future__ import annotations

import hashlib
from typing import Literal

from privxray.formats import canonical
from privxray.formats.header import Digest, Fingerprint, PlanHash

Purpose = Literal["body key", "shares"]


def hpke_info(
    *,
    kind: str,
    purpose: Purpose,
    study: str | None,
    plan: PlanHash | Digest | None,
    sender: Fingerprint,
    recipient: Fingerprint,
) -> bytes:
    """32 bytes that bind a sealed secret to the kind of file, its plan, its sender and its recipient.

    :param plan: the hash of the plan that the file obeys; of a query or an answer, the digest of the file
        that it answers.
    """
    stated = {
        "kind": kind,
        "plan": plan,
        "purpose": purpose,
        "recipient": recipient,
        "sender": sender,
        "study": study,
    }
    return hashlib.sha256(b"privxray hpke v1" + canonical.encode(stated)).digest()
