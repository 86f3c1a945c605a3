"""Who takes part in a further stage: the parties of the plan before with the keys that they stated for it.

Tested in tests/cli/test_many_rounds.py, tests/cli/test_rounds.py and
tests/unit/test_workflow_next_parties.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from privxray.errors import STATUS_SAYS, RefusedError, UsageError
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.sharing.committee import Committee, Seat, least_cohort
from privxray.formats.features import HYBRID_MASKS
from privxray.formats.header import Fingerprint
from privxray.keys.card import CardHeader
from privxray.keys.encapsulation_statement import EncapsulationStatement
from privxray.keys.identity import PublicKeys
from privxray.keys.mask_statement import MaskStatement
from privxray.keys.roster import Roster
from privxray.keys.unsealing_statement import UnsealingStatement
from privxray.workflow.coordinator.planning.agreed_form import expect_reads
from privxray.workflow.coordinator.planning.enrolment import Parties, party_name, versioned_roster


@dataclass(frozen=True)
class NextKeys:
    """The keys that parties stated for the next plan.

    :param masks: by hospital.
    :param unsealing: by keyholder.
    :param kems: encapsulation keys, by hospital; they come with cards alone.
    """

    masks: Mapping[Fingerprint, MaskStatement]
    unsealing: Mapping[Fingerprint, UnsealingStatement]
    kems: Mapping[Fingerprint, EncapsulationStatement] = field(default_factory=dict)

    def with_cards(self, cards: Sequence[CardHeader]) -> NextKeys:
        """These keys, and in their place those of fresh cards."""
        return NextKeys(
            {**self.masks, **{card.keys.fingerprint: card.mask for card in cards if card.mask}},
            {**self.unsealing, **{card.keys.fingerprint: card.unsealing for card in cards}},
            {**self.kems, **{card.keys.fingerprint: card.kem for card in cards if card.kem}},
        )


def carry_on(
    cards: Sequence[CardHeader],
    before: PlanHeader,
    stated: NextKeys,
    without: Collection[str],
    coordinator: PublicKeys,
) -> Parties:
    """The parties of a further stage: those of the plan before with fresh keys, and newcomers.

    A trustee that comes becomes a keyholder.

    :param cards: of newcomers, and of parties that stated no next key; a card overrides a stated key.
    :param stated: the keys that parties stated in the round before.
    :param without: the names of parties that are left out from here on.
    :raises RefusedError: somebody stated no next key and sent no fresh card, or a card's maker has a version
        that does not read the study's files.
    :raises UsageError: ``without`` names nobody of the plan.
    """
    _expect_known(before, without)
    expect_reads(cards, before.form)
    keys = stated.with_cards(cards)
    lacking = [name for name in lacking_next_keys(before, keys) if name not in without]
    if lacking:
        raise RefusedError(
            f"their keys for the next round are missing: {', '.join(lacking)}",
            reason="plan.keys-lacking",
            advice="Ask for a fresh card (privxray card) and give it too, or go on without: --without NAME. "
            + STATUS_SAYS,
        )
    known = {party.keys.fingerprint for party in before.roster.parties}
    unknown = [card for card in cards if card.keys.fingerprint not in known]
    newcomers = [card for card in unknown if card.role == "hospital"]
    new_trustees = [card.trustee(before.form) for card in unknown if card.role == "trustee"]
    _expect_no_larger(newcomers, before.size_bound)
    fresh = {card.keys.fingerprint: card.recovery_in(before.form) for card in cards}
    agrees = before.its_task == "agree"
    if newcomers and HYBRID_MASKS in before.features and not agrees:
        raise RefusedError(
            f"masks are hybrid, and {', '.join(card.name for card in newcomers)} is not among the hospitals "
            "that agreed on secrets for the rounds that are left",
            reason="plan.newcomer-not-agreed",
            advice="Go on without, or begin the study anew with the cards of all: privxray plan cards/*.card "
            "--masks hybrid --replace",
        )
    members = [
        *(
            member.model_copy(
                update={
                    "mask": keys.masks[member.keys.fingerprint],
                    "kem": keys.kems.get(member.keys.fingerprint) if agrees else None,
                    "recovery": fresh.get(member.keys.fingerprint, member.recovery),
                }
            )
            for member in before.roster.members
            if member.name not in without
        ),
        *(newcomer.member(before.form) for newcomer in newcomers),
    ]
    trustees = [trustee for trustee in before.roster.trustees if trustee.name not in without] + new_trustees
    roster = versioned_roster(
        sorted(members, key=party_name),
        sorted(trustees, key=party_name),
        before,
        before.study_name,
        coordinator,
    )
    return Parties(roster, _committee_after(before, keys, without, roster), before.form)


def lacking_next_keys(plan: PlanHeader, keys: NextKeys) -> list[str]:
    """The parties of a plan whose keys for the plan after it are not here, by name, in the roster's order."""
    seats = plan.committee.seats if plan.committee else ()
    silent = {member.keys.fingerprint for member in plan.roster.members} - keys.masks.keys()
    silent |= {seat.keyholder for seat in seats} - keys.unsealing.keys()
    return list(plan.roster.names(silent))


def _expect_known(plan: PlanHeader, names: Collection[str]) -> None:
    unknown = set(names) - {party.name for party in plan.roster.parties}
    if unknown:
        raise UsageError(
            f"nobody of the plan has that name: {', '.join(sorted(unknown))}",
            reason="without.nobody",
            advice="privxray inspect FILE lists the parties of a plan",
        )


def _expect_no_larger(newcomers: Sequence[CardHeader], bound: int | None) -> None:
    """A study keeps its terms, and they are made for hospitals of up to ``bound`` patients.

    :raises RefusedError: a newcomer states no size, or a larger one.
    """
    if bound is None:
        return
    for card in newcomers:
        if card.size is None or card.size.bracket > bound:
            stated = "no size" if card.size is None else f"up to {card.size.bracket:,} patients"
            raise RefusedError(
                f"{card.name} states {stated}, and the study was planned for hospitals of up to {bound:,}",
                reason="plan.newcomer-too-large",
                advice="Begin the study anew with the cards of all: privxray plan cards/*.card --replace",
            )


def _committee_after(
    before: PlanHeader, keys: NextKeys, without: Collection[str], roster: Roster
) -> Committee | None:
    """The committee of the plan before with its next keys, less who is left out, and with new trustees.

    :param roster: of the further stage.
    """
    committee = before.committee
    if committee is None:
        return None
    sitting = [
        seat.keyholder
        for seat in committee.seats
        if before.roster.known_party(seat.keyholder).name not in without
    ]
    sitting += [one.keys.fingerprint for one in roster.trustees if one.keys.fingerprint not in sitting]
    hospitals = len(roster.members)
    # The minimum cohort stays as it was agreed. It falls where fewer hospitals than that are left, and rises
    # where so many hospitals need more of them in a sum to be safe.
    least = least_cohort(hospitals, len(sitting), *committee.numbers)
    minimum = max(least, min(committee.minimum_cohort, hospitals))
    seats = tuple(Seat(keyholder=one, unsealing=keys.unsealing[one]) for one in sitting)
    return committee.model_copy(update={"minimum_cohort": minimum, "seats": seats})
