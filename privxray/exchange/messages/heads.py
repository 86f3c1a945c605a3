"""What files say about the files of the coordinator that came before them (docs/SPEC-2.md, section 7).

All files that a coordinator signs to everybody form one log: each plan, and between two plans the request and
the result of a round. A head is a hash over the log up to some file. Whoever was shown another file has
another head from there on, for good.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import Field

from privxray.formats.header import Digest, Fingerprint, Strict
from privxray.keys.roster import MAX_HOSPITALS, MAX_TRUSTEES

START: Digest = "0" * 64
"""The head of a log without files."""

_LABEL = b"privxray log v2"


class Since(Strict):
    """What the coordinator signed under the plan before: digests, each null where there is no such file.

    ``result`` is what the round gave: its model, which has the digest of its proof.
    """

    request: Digest | None
    result: Digest | None

    def files(self) -> tuple[Digest, ...]:
        """The digests of those that there are, in the order of the log."""
        return tuple(one for one in (self.request, self.result) if one is not None)


class Seen(Strict):
    """A party, and the head that its file of the round before stated."""

    party: Fingerprint
    head: Digest


SeenByAll = Annotated[tuple[Seen, ...], Field(strict=False, max_length=MAX_HOSPITALS + MAX_TRUSTEES)]
"""The field ``heads`` of a plan."""


def head_after(head: Digest, *files: Digest) -> Digest:
    """The head of a log after further files, by their digests."""
    for file in files:
        head = hashlib.sha256(_LABEL + bytes.fromhex(head) + bytes.fromhex(file)).hexdigest()
    return head
