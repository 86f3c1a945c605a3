"""A coordinator's round as a state machine without I/O.

It says what has come, what may still come, and when the sum can be opened.

::

    strict        collecting --(every hospital delivered)--> complete
    keyholders    collecting --(request)--> requested --(threshold answered)--> complete

Each travelling file is held against the rules of :mod:`.admit` and :mod:`.admit_opening`, and then against
those that depend on what came before it:

- a file of an earlier round, or of one that was given up, is passed over, never summed;
- a second, different update of one hospital is refused, for one of the two is not its export;
- a next key that any plan of the study used before, or that another file of this round names, is refused;
- once a request is signed, its survivors are final: a later update is passed over, and there is no second
  request;
- a second, different share file of one keyholder is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from privxray.errors import RefusedError
from privxray.exchange.admission.admit import admit_update, read_update
from privxray.exchange.admission.admit_opening import admit_share, read_share
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.request import RequestHeader, SignedRequest
from privxray.exchange.messages.share import ShareHeader
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats.container import Envelope
from privxray.formats.header import Body, Fingerprint, PlanHash
from privxray.keys.roster import Member, Trustee

CheckBody = Callable[[Body], str]
"""Compares a file's body with its verified header: the SHA-256 of the file; raises where they differ."""


class Verdict(StrEnum):
    """What became of a file that is good in itself."""

    TAKEN = "taken"
    OVER = "of a round that is over"
    LATE = "too late: the request of its round is signed without it"


@dataclass(frozen=True)
class Delivered:
    """An update that was taken, and the SHA-256 of its file."""

    header: UpdateHeader
    sha256: str


@dataclass(frozen=True)
class Answered:
    """A share file that was taken, its seat, and the SHA-256 of its file."""

    header: ShareHeader
    seat: int
    sha256: str


@dataclass
class Cohort:
    """The round of one plan.

    ``earlier`` are the hashes of the study's other plans, ``parties`` everybody who was ever a hospital or a
    trustee of it, ``used`` the keys for one round that its plans named. While ``is_open`` is false, nothing
    is taken any more.
    """

    signed: SignedPlan
    parties: Mapping[Fingerprint, Member | Trustee]
    earlier: Collection[PlanHash] = ()
    used: Collection[str] = ()
    is_open: bool = True
    asked: SignedRequest | None = None
    updates: dict[Fingerprint, Delivered] = field(default_factory=dict)
    answers: dict[int, Answered] = field(default_factory=dict)

    @property
    def plan(self) -> PlanHeader:
        """What the round's plan says."""
        return self.signed.plan

    @property
    def request(self) -> RequestHeader | None:
        """The round's request, once it is signed."""
        return None if self.asked is None else self.asked.request

    def expect_signed(self, envelope: Envelope) -> None:
        """Check that a party of the study signed a file: the first rules of :meth:`take_update` alone.

        :raises IdentityError: nobody of the study did, or it was altered.
        :raises MalformedError: it is neither an update nor a share file.
        """
        if envelope.kind == "share":
            read_share(envelope, self.parties.values())
        else:
            read_update(envelope, self._hospitals())

    def take_update(self, envelope: Envelope, check_body: CheckBody) -> Verdict:
        """Offer an update.

        :param check_body: compares the body with the verified header.
        :raises IdentityError: signed by nobody of the study, or altered.
        :raises RefusedError: see the rules above.
        :raises MalformedError: damaged.
        """
        header, member = read_update(envelope, self._hospitals())
        if self._is_over(header):
            return Verdict.OVER
        admit_update(header, self.plan.roster.hospital(header.sender) or member, self.signed)
        sha256 = check_body(header.body)
        if self.asked is not None and header.sender not in self.asked.request.survivors:
            return Verdict.LATE
        before = self.updates.get(header.sender)
        if before is not None and before.sha256 != sha256:
            raise RefusedError(
                "another update of the same sender was taken in before",
                reason="update.second",
                advice="Ask the hospital which of the two is its export, and whether it restored a backup",
            )
        self._check_fresh(header.next_mask.key, header.sender)
        self.updates[header.sender] = Delivered(header, sha256)
        return Verdict.TAKEN

    def take_share(self, envelope: Envelope, check_body: CheckBody) -> Verdict:
        """Offer a share file; one of this round only after its request.

        :param check_body: compares the body with the verified header.
        :raises IdentityError: signed by no keyholder, or altered.
        :raises RefusedError: see the rules above.
        :raises MalformedError: damaged.
        """
        header = read_share(envelope, self.parties.values())
        if self._is_over(header):
            return Verdict.OVER
        if self.asked is None:
            raise RefusedError(
                "no request of this round was made, so nothing can answer it",
                reason="share.before-request",
                advice="Type: privxray aggregate updates/*.enc",
            )
        seat = admit_share(header, self.signed, self.asked)
        sha256 = check_body(header.body)
        before = self.answers.get(seat)
        if before is not None and before.sha256 != sha256:
            raise RefusedError(
                "another share file of the same keyholder was taken in before",
                reason="share.second",
                advice="Ask the keyholder which of the two is its answer, and whether it restored a backup",
            )
        self._check_fresh(header.next_unsealing.key, header.sender)
        self.answers[seat] = Answered(header, seat, sha256)
        return Verdict.TAKEN

    def set_request(self, asked: SignedRequest) -> None:
        """Fix the survivors: the request of this round is signed.

        :raises RefusedError: another one was signed before.
        """
        if self.asked is not None and self.asked.digest != asked.digest:
            raise RefusedError(
                "another request of this round was signed before",
                reason="request.signed-before",
                advice="Carry that one to the keyholders: there is one request a round",
            )
        self.asked = asked

    @property
    def missing(self) -> list[Member]:
        """The hospitals of the plan that have not delivered."""
        return [m for m in self.plan.roster.members if m.keys.fingerprint not in self.updates]

    @property
    def answers_lacking(self) -> int:
        """How many more keyholders have to answer."""
        return max(0, self.plan.keyholding.threshold - len(self.answers))

    def _hospitals(self) -> list[Member]:
        return [party for party in self.parties.values() if isinstance(party, Member)]

    def _is_over(self, header: UpdateHeader | ShareHeader) -> bool:
        """Whether a file is of an earlier round, or of this one when nothing is taken any more."""
        return header.plan in self.earlier or (header.plan == self.signed.digest and not self.is_open)

    def _check_fresh(self, key: str, sender: Fingerprint) -> None:
        """Whether a key for the next round is new.

        :raises RefusedError: a plan named it, or another party's file of this round does.
        """
        stated = [(fp, one.header.next_mask.key) for fp, one in self.updates.items()]
        stated += [(one.header.sender, one.header.next_unsealing.key) for one in self.answers.values()]
        if key in self.used:
            raise RefusedError(
                "the key that it names for the next round was used before",
                reason="round-key.used-before",
                advice="Ask its sender whether it restored a backup; it has to send a new card",
            )
        if any(key == other and fp != sender for fp, other in stated):
            raise RefusedError(
                "the key that it names for the next round is named by another file of this round",
                reason="round-key.named-twice",
                advice="One of the two senders copied it: call both",
            )
