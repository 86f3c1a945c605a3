"""From cards to a roster and a committee: who takes part in a first stage, with which keys.

Tested in tests/cli/test_rounds.py and tests/cli/test_many_rounds.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from privxray.errors import UsageError
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.sharing.committee import Committee, Seat, least_cohort
from privxray.formats.features import Form
from privxray.keys.card import CardHeader
from privxray.keys.identity import PublicKeys
from privxray.keys.roster import Member, Roster, Trustee
from privxray.workflow.coordinator.planning.agreed_form import agreed_form


@dataclass(frozen=True)
class CommitteeTerms:
    """What a coordinator may choose of the mode ``keyholders``.

    :param hospitals: the hospitals that are keyholders, by name. Every trustee is one.
    :param threshold: how many keyholders must answer; None for the least number that is safe.
    :param minimum_cohort: open no sum of fewer hospitals; None for the least number that is safe.
    """

    hospitals: tuple[str, ...] = ()
    threshold: int | None = None
    corrupt_keyholders: int = 1
    corrupt_hospitals: int = 1
    minimum_cohort: int | None = None


@dataclass(frozen=True)
class Parties:
    """The parties of a plan, and the form of files that the versions of all of them read."""

    roster: Roster
    committee: Committee | None
    form: Form


def enrol(
    cards: Sequence[CardHeader],
    terms: CommitteeTerms | None,
    before: PlanHeader | None,
    study: str,
    coordinator: PublicKeys,
    asked: Collection[str] = (),
) -> Parties:
    """The parties of a first stage: exactly those whose cards are given.

    :param terms: None for a strict plan.
    :param before: the study's last plan, whose roster version is counted on.
    :param asked: the features that its files are to have.
    :raises UsageError: a keyholder is named whose card is not there.
    :raises RefusedError: there is no form that all of them read.
    """
    form = agreed_form(cards, asked)
    hospitals = sorted((card for card in cards if card.role == "hospital"), key=party_name)
    trustees = sorted((card for card in cards if card.role == "trustee"), key=party_name)
    members, others = [card.member(form) for card in hospitals], [card.trustee(form) for card in trustees]
    roster = versioned_roster(members, others, before, study, coordinator)
    if terms is None:
        return Parties(roster, None, form)
    unknown = set(terms.hospitals) - {card.name for card in hospitals}
    if unknown:
        raise UsageError(
            f"no hospital's card is of that name: {', '.join(sorted(unknown))}",
            reason="plan.unknown-keyholder",
            advice="Give the card of each hospital that --keyholder names",
        )
    sitting = [*(card for card in hospitals if card.name in terms.hospitals), *trustees]
    return Parties(roster, _committee(terms, len(hospitals), sitting), form)


def _committee(terms: CommitteeTerms, hospitals: int, sitting: Sequence[CardHeader]) -> Committee:
    """The committee of these keyholders, with the least numbers that are safe where none are chosen."""
    c = terms.corrupt_keyholders
    threshold = terms.threshold if terms.threshold is not None else (len(sitting) + c) // 2 + 1
    least = least_cohort(hospitals, len(sitting), threshold, c, terms.corrupt_hospitals)
    return Committee(
        threshold=threshold,
        corrupt_keyholders=c,
        corrupt_hospitals=terms.corrupt_hospitals,
        minimum_cohort=terms.minimum_cohort if terms.minimum_cohort is not None else least,
        seats=tuple(Seat(keyholder=card.keys.fingerprint, unsealing=card.unsealing) for card in sitting),
    )


def versioned_roster(
    members: Sequence[Member],
    trustees: Sequence[Trustee],
    before: PlanHeader | None,
    study: str,
    coordinator: PublicKeys,
) -> Roster:
    """A roster with the version of the one before; with the next version where a party or a key changed.

    :param coordinator: of the new plan, who may be another one than before.
    """
    version = before.roster.version if before else 1
    roster = Roster(version=version, members=tuple(members), trustees=tuple(trustees))
    if before and roster.digest(study, coordinator) != before.roster.digest(study, before.coordinator):
        return roster.model_copy(update={"version": version + 1})
    return roster


def party_name(party: Member | Trustee | CardHeader) -> str:
    """For sorting parties."""
    return party.name
