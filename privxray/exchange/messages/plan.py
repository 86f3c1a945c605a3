"""A plan: everything that a round does, fixed and signed by the coordinator before anybody trains.

Its hash binds the roster, the mask keys, the starting model (through the body's digest), the method and every
public constant, so hospitals that train under one plan hash can't have been told different things.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from privxray.errors import RefusedError
from privxray.exchange.sharing.committee import Committee
from privxray.exchange.sharing.dealing import Context
from privxray.formats.container import Envelope
from privxray.formats.header import Fingerprint, Header, Name, PlanHash
from privxray.formats.tensors import MAX_TENSORS, ModulusBits, TensorSpec, check_headroom
from privxray.keys.identity import PublicKeys
from privxray.keys.roster import Member, Roster

ClassName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9 _-]{0,39}$")]

MAX_EPSILON = 100.0


class PlanHeader(Header):
    """The header of a plan; the body is the starting model, or empty where the method needs none.

    ``round`` numbers the plans of a study and is never reused; ``stage`` counts the training rounds from 1 to
    ``stages``. ``epsilon`` (> 0) and ``delta`` hold for a patient of one hospital over all stages, under
    ``adjacency``. ``previous`` is the hash of the plan before, from the second plan on. In the mode
    ``strict`` every hospital must deliver and nothing can be recovered; in the mode ``keyholders`` the
    ``committee`` can open the sum of those that did.
    """

    kind: Literal["plan"] = "plan"
    coordinator: PublicKeys
    coordinator_name: Name
    roster: Roster
    mode: Literal["strict", "keyholders"] = "strict"
    committee: Committee | None = None
    stage: Annotated[int, Field(ge=1, le=1000)]
    stages: Annotated[int, Field(ge=1, le=1000)]
    previous: PlanHash | None
    method: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    constants: dict[str, JsonValue]
    extractor: Annotated[str, Field(max_length=200)] | None
    classes: Annotated[tuple[ClassName, ...], Field(strict=False, min_length=2, max_length=50)]
    epsilon: Annotated[float, Field(gt=0, le=MAX_EPSILON, allow_inf_nan=False)]
    delta: Annotated[float, Field(gt=0, le=1e-3, allow_inf_nan=False)]
    adjacency: Literal["add-or-remove-one-patient"] = "add-or-remove-one-patient"
    modulus_bits: ModulusBits
    manifest: Annotated[tuple[TensorSpec, ...], Field(strict=False, max_length=MAX_TENSORS)]

    def verify(self) -> None:
        """The checks that every recipient makes on a plan whose signature is good.

        :raises RefusedError: an unsafe roster, sums that could overflow, or parts that contradict each other.
        :raises IdentityError: a mask key that is not its owner's.
        """
        if self.study is None or self.round < 1 or self.stage > self.stages:
            raise RefusedError("the plan contradicts itself (study, round or stage)")
        if len(set(self.classes)) < len(self.classes):
            raise RefusedError("the plan names a class twice")
        if self.sender != self.coordinator.fingerprint:
            raise RefusedError("the plan contradicts itself (coordinator)")
        self.roster.verify(self.study)
        if self.roster.party(self.sender) is not None:
            raise RefusedError("the coordinator signs with the key of somebody of the roster")
        if any(party.keys.sealing == self.coordinator.sealing for party in self.roster.parties):
            raise RefusedError("the coordinator is sealed to with the key of somebody of the roster")
        if (self.mode == "keyholders") != (self.committee is not None):
            raise RefusedError("the plan contradicts itself (mode)")
        if self.committee is not None:
            self.committee.verify(self.roster, self.study)
        elif self.roster.trustees:
            raise RefusedError(
                "the roster has trustees, and the plan has no keyholders",
                advice="Plan with --mode keyholders, or leave the trustees' cards away",
            )
        check_headroom(self.manifest, len(self.roster.members), self.modulus_bits)

    @property
    def hospitals(self) -> tuple[Fingerprint, ...]:
        """The fingerprints of all hospitals, in the roster's order."""
        return tuple(member.keys.fingerprint for member in self.roster.members)

    def public_constants(self) -> Mapping[str, JsonValue]:
        """All that a person should see of what the plan fixes, for display."""
        return {
            "method": self.method,
            "rounds": self.stages,
            "classes": list(self.classes),
            "epsilon": self.epsilon,
            "delta": self.delta,
            "adjacency": self.adjacency,
            "mode": self.mode,
            **self._committee_terms(),
            "extractor": self.extractor,
            **dict(sorted(self.constants.items())),  # as a plan that was carried has them
        }

    def _committee_terms(self) -> Mapping[str, JsonValue]:
        if self.committee is None:
            return {}
        parties = [self.roster.party(seat.keyholder) for seat in self.committee.seats]
        return {
            "keyholders": [party.name for party in parties if party],
            "threshold": self.committee.threshold,
            "corrupt_keyholders": self.committee.corrupt_keyholders,
            "corrupt_hospitals": self.committee.corrupt_hospitals,
            "minimum_cohort": self.committee.minimum_cohort,
        }


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

    def dealing(self, owner: Fingerprint) -> Context:
        """What the secrets of hospital ``owner`` belong to, in a plan with a committee."""
        assert self.plan.committee is not None
        return Context(self.plan.study, self.digest, self.plan.committee, self.plan.hospitals, owner)


def members_of(plan: PlanHeader, senders: Sequence[str]) -> list[Member]:
    """The hospitals with these fingerprints, in the roster's order."""
    return [member for member in plan.roster.members if member.keys.fingerprint in senders]
