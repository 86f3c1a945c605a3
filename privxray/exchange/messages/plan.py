"""A plan: all that a round does, fixed and signed by the coordinator before anybody trains.

Its hash covers the roster, the mask keys, the starting model (by the body's digest), the method and every
public constant. So hospitals that train under one plan hash can't have been told different things.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, JsonValue

from privxray.errors import RefusedError
from privxray.exchange.commitments import MAX_COMMITTED
from privxray.exchange.messages.heads import START, SeenByAll, Since, head_after
from privxray.exchange.messages.plan_bounds import check_bounds, statement_about
from privxray.exchange.messages.plan_hybrid import (
    MAX_AGREEING,
    StatedCiphertexts,
)
from privxray.exchange.messages.plan_sizes import N_MAX, check_sizes, delta_remark
from privxray.exchange.messages.plan_tasks import ScheduledHeader
from privxray.exchange.messages.repeats import Repeats, Without
from privxray.exchange.messages.successors import Successors
from privxray.exchange.sharing.committee import Committee
from privxray.exchange.sharing.dealing import DealingContext
from privxray.formats.container import Envelope
from privxray.formats.extractor_file import ExtractorFile, NamedExtractor, named_extractor
from privxray.formats.features import BOUND_PROOFS, HEADS, SIZES
from privxray.formats.header import Digest, Fingerprint, Name, PlanHash
from privxray.formats.stated_bounds import StatedBounds
from privxray.formats.tensors import MAX_TENSORS, ModulusBits, TensorSpec, check_headroom, total_size
from privxray.keys.identity import PublicKeys
from privxray.keys.roster import Member, Roster
from privxray.keys.size_statement import SizeStatement

if TYPE_CHECKING:
    from privxray.exchange.bounds.statement import Statement

ClassName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9 _-]{0,39}$")]

PEDERSEN: Literal["pedersen-edwards25519-sha256"] = "pedersen-edwards25519-sha256"
"""The one kind of commitment that there is (:mod:`privxray.exchange.commitments`)."""

_OTHER_PLAN = "The coordinator has to make another plan"


class PlanHeader(ScheduledHeader):
    """The header of a plan; the body is the starting model, or empty where the method needs none.

    ``round`` numbers the plans of a study and is never reused. ``stage`` counts the training rounds from 1 to
    ``stages``. ``epsilon`` (> 0) and ``delta`` hold for a patient of one hospital over all stages, under
    ``adjacency``. ``previous`` is the hash of the plan before, from the second plan on. In the mode
    ``strict`` every hospital must deliver, and nothing can be recovered. In the mode ``keyholders`` the
    ``committee`` can open the sum of those that did. With ``commitments``, updates are bound to what they
    hold, and members can check the sum (docs/SPEC-2.md, section 5). ``bounds`` are what updates prove that
    they keep to, beside the bound of each tensor. A plan that ``repeats`` a failed round says who sends the
    same vector once more, and ``without`` how its hospitals or keyholders differ (section 6). With ``task``
    and ``schedule`` it is one of several tasks of a study, and then ``epsilon``, ``stage`` and ``stages`` are
    of that task (section 4). ``encapsulated`` is what hospitals agreed on secrets with, in the plan after the
    one that asked for it (section 8). ``head``, ``since`` and ``heads`` tell which files of the coordinator
    came before it, and who has seen them (section 7). The ``successors`` may name another coordinator
    (section 10).
    """

    kind: Literal["plan"] = "plan"
    coordinator: PublicKeys
    coordinator_name: Name
    roster: Roster
    mode: Literal["strict", "keyholders"] = "strict"
    committee: Committee | None = None
    previous: PlanHash | None
    method: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    constants: dict[str, JsonValue]
    extractor: Annotated[str, Field(max_length=200)] | None
    extractor_file: ExtractorFile | None = None
    classes: Annotated[tuple[ClassName, ...], Field(strict=False, min_length=2, max_length=50)]
    delta: Annotated[float, Field(gt=0, le=1e-3, allow_inf_nan=False)]
    adjacency: Literal["add-or-remove-one-patient"] = "add-or-remove-one-patient"
    modulus_bits: ModulusBits
    manifest: Annotated[tuple[TensorSpec, ...], Field(strict=False, max_length=MAX_TENSORS)]
    commitments: Literal["pedersen-edwards25519-sha256"] | None = None  # PEDERSEN
    bounds: StatedBounds | None = None
    repeats: Repeats | None = None
    without: Without | None = None
    head: Digest | None = None
    since: Since | None = None
    heads: SeenByAll | None = None
    successors: Successors | None = None

    encapsulated: (
        Annotated[tuple[StatedCiphertexts, ...], Field(strict=False, max_length=MAX_AGREEING)] | None
    ) = None

    def verify(self) -> None:
        """The checks that every recipient makes on a plan whose signature is good.

        :raises RefusedError: an unsafe roster or committee, sums that could overflow, or parts that
            contradict each other.
        :raises IdentityError: a key for one round that is not signed by its owner.
        :raises MalformedError: a key that is none, or one that anybody can use; or two feature extractors.
        """
        study = self._check_place()
        named_extractor(self.extractor, self.extractor_file)
        self.roster.verify(study)
        self._check_coordinator()
        self._check_keyholders(study)
        if self.successors is not None:
            self.successors.verify(self.roster)
        if SIZES in self.features:
            first = self.stage == 1
            check_sizes(
                [size.bracket for size in self.sizes.values()], self.constants, self.delta, first=first
            )
        check_headroom(self.manifest, len(self.roster.members), self.modulus_bits)
        if self.commitments is not None and total_size(self.manifest) > MAX_COMMITTED:
            raise RefusedError(
                f"the plan asks for commitments to more than {MAX_COMMITTED} numbers, which takes minutes",
                reason="plan.commitments-too-long",
                advice="The coordinator has to plan without them: privxray plan CARDS --no-commitments",
            )
        if BOUND_PROOFS in self.features:
            check_bounds(self.manifest, self.bounds, self.commitments, self.its_task)

    def _check_place(self) -> str:
        """Where in which study the plan is.

        :returns: the study.
        :raises RefusedError: it does not say, or contradicts itself.
        """
        if self.study is None:
            raise RefusedError("the plan names no study", reason="plan.no-study", advice=_OTHER_PLAN)
        if self.round < 1:
            raise RefusedError("the plan names no round", reason="plan.no-round", advice=_OTHER_PLAN)
        if self.stage > self.stages:
            raise RefusedError(
                f"the plan is of stage {self.stage}, and the study has {self.stages}",
                reason="plan.stage-after-last",
                advice=_OTHER_PLAN,
            )
        if len(set(self.classes)) < len(self.classes):
            raise RefusedError("the plan names a class twice", reason="plan.class-twice", advice=_OTHER_PLAN)
        if self.sender != self.coordinator.fingerprint:
            raise RefusedError(
                "the plan names a sender other than its coordinator",
                reason="plan.other-sender",
                advice=_OTHER_PLAN,
            )
        return self.study

    def _check_coordinator(self) -> None:
        """The coordinator has keys of its own.

        :raises RefusedError: one of them is a party's.
        """
        if self.roster.party(self.sender) is not None:
            raise RefusedError(
                "the coordinator signs with the key of somebody of the roster",
                reason="plan.coordinator-is-party",
                advice=_OTHER_PLAN,
            )
        if any(party.keys.sealing == self.coordinator.sealing for party in self.roster.parties):
            raise RefusedError(
                "the coordinator is sealed to with the key of somebody of the roster",
                reason="plan.coordinators-sealing-key",
                advice=_OTHER_PLAN,
            )

    def _check_keyholders(self, study: str) -> None:
        """A committee that is safe in the mode ``keyholders``; in the mode ``strict`` none, and no trustees.

        :raises RefusedError: it is not so.
        :raises IdentityError: an unsealing key that is not signed by its owner.
        """
        if self.committee is None:
            if self.mode == "keyholders":
                raise RefusedError(
                    "the plan's mode is keyholders, and it names none",
                    reason="plan.keyholders-missing",
                    advice=_OTHER_PLAN,
                )
            if self.roster.trustees:
                raise RefusedError(
                    "the roster has trustees, and the plan has no keyholders",
                    reason="plan.trustees-without-keyholders",
                    advice="Plan with --mode keyholders, or leave out the trustees' cards",
                )
            return
        if self.mode == "strict":
            raise RefusedError(
                "the plan's mode is strict, and it names keyholders",
                reason="plan.keyholders-in-strict",
                advice=_OTHER_PLAN,
            )
        self.committee.verify(self.roster, study)

    @property
    def proven(self) -> Statement | None:
        """What the updates of a verified plan prove of their numbers; None without the feature."""
        if BOUND_PROOFS not in self.features:
            return None
        return statement_about(self.manifest, self.bounds)

    @property
    def sizes(self) -> Mapping[str, SizeStatement]:
        """By hospital's name, what it states of its size; empty without the feature ``sizes``."""
        return {member.name: member.size for member in self.roster.members if member.size is not None}

    @property
    def size_bound(self) -> int | None:
        """The most patients that a hospital states; None without the feature ``sizes``."""
        bound = self.constants.get(N_MAX) if SIZES in self.features else None
        return bound if isinstance(bound, int) else None

    def remarks(self) -> tuple[str, ...]:
        """What every recipient should know before it follows the plan, in plain words."""
        bound = self.size_bound
        remark = None if bound is None else delta_remark(self.delta, bound)
        return () if remark is None else (remark,)

    def seated(self, fingerprint: Fingerprint) -> tuple[Committee, int] | None:
        """The committee and the number of the seat that this party has in it, if it has one."""
        if self.committee is None:
            return None
        seat = self.committee.seat(fingerprint)
        return None if seat is None else (self.committee, seat)

    @property
    def features_by(self) -> NamedExtractor:
        """What computes the features; None where pixels go in."""
        return named_extractor(self.extractor, self.extractor_file)

    @property
    def study_name(self) -> str:
        """The study. :raises ValueError: the plan has none; :meth:`verify` refuses such a plan."""
        if self.study is None:
            raise ValueError("the plan was not verified: it has no study")
        return self.study

    @property
    def keyholding(self) -> Committee:
        """The committee of a plan with keyholders. :raises ValueError: its mode is strict."""
        if self.committee is None:
            raise ValueError("the plan has no keyholders")
        return self.committee

    @property
    def hospitals(self) -> tuple[Fingerprint, ...]:
        """The fingerprints of all hospitals, in the roster's order."""
        return tuple(member.keys.fingerprint for member in self.roster.members)

    def fresh_keys(self) -> tuple[str, ...]:
        """The public keys that no plan may have named before.

        A plan after an agreement has none, for it goes on with the keys of the plan that asked for that.
        """
        if self.encapsulated is not None:
            return ()
        seats = self.committee.seats if self.committee else ()
        return (
            *(member.mask.key for member in self.roster.members),
            *(member.kem.key for member in self.roster.members if member.kem),
            *(seat.unsealing.key for seat in seats),
        )


@dataclass(frozen=True)
class SignedPlan:
    """A plan together with its hash, by which updates, requests, models and later plans name it.

    There are three ways to get one. Of a file that came in:
    :func:`~privxray.exchange.admission.admit.admit_plan`, which checks it. Of the workspace's own copy, which
    was checked when it came: :meth:`claimed`, by way of
    :func:`~privxray.workflow.common.planned_round.planned_round`. Of a plan that this program makes:
    :meth:`claimed` of what it signed.
    """

    plan: PlanHeader
    digest: PlanHash

    @classmethod
    def claimed(cls, envelope: Envelope) -> SignedPlan:
        """What an envelope says, its signature unverified.

        :raises MalformedError: it is not a plan's.
        """
        return cls(envelope.claim(PlanHeader), PlanHash(envelope.digest))

    @property
    def head_after(self) -> Digest:
        """The head of the coordinator's log after this plan; one without the feature begins a log."""
        return head_after(self.plan.head or START, self.digest)

    @property
    def stated_head(self) -> Digest | None:
        """What a file that obeys this plan states as its ``head``; None without the feature."""
        return self.head_after if HEADS in self.plan.features else None

    def dealing(self, owner: Fingerprint) -> DealingContext:
        """What the secrets of hospital ``owner`` belong to, in a plan with a committee."""
        return DealingContext(self.plan.study, self.digest, self.plan.keyholding, self.plan.hospitals, owner)


def members_of(plan: PlanHeader, senders: Sequence[str]) -> list[Member]:
    """The hospitals with these fingerprints, in the roster's order."""
    return [member for member in plan.roster.members if member.keys.fingerprint in senders]
