"""From cards to a roster and a committee: who takes part in a plan, with which keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import RefusedError, UsageError
from privxray.exchange.intake import take_in
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.sharing.committee import Committee, Seat, least_cohort
from privxray.formats.header import Fingerprint
from privxray.keys.card import CardHeader, read_card
from privxray.keys.identity import PublicKeys
from privxray.keys.maskkey import MaskStatement
from privxray.keys.roster import Member, Roster, Trustee
from privxray.keys.unsealing import UnsealingStatement
from privxray.workspace.folder import Workspace


@dataclass(frozen=True)
class CommitteeTerms:
    """What a coordinator may choose of the mode ``keyholders``.

    Every trustee is a keyholder; ``hospitals`` names the hospitals that are too. ``threshold`` None means the
    least that is safe, ``minimum_cohort`` None the least number of hospitals that is.
    """

    hospitals: tuple[str, ...] = ()
    threshold: int | None = None
    corrupt_keyholders: int = 1
    corrupt_hospitals: int = 1
    minimum_cohort: int | None = None


@dataclass(frozen=True)
class Parties:
    """The parties of a plan."""

    roster: Roster
    committee: Committee | None


def read_cards(workspace: Workspace, paths: Sequence[Path], study: str) -> list[CardHeader]:
    """Verify cards.

    :raises RefusedError: a card of another study.
    """
    cards = []
    for path in paths:
        with take_in(path, workspace.inbox) as received:
            card = read_card(received.envelope)
            received.check_body(card.body)
            if card.study not in (None, study):
                raise RefusedError(
                    "this card was made for another study", advice=f"Ask for: privxray card --study {study}"
                )
            cards.append(card)
    return cards


def check_unused(cards: Sequence[CardHeader], used: Mapping[str, int]) -> None:
    """Look that no key serves twice.

    :param used: keys that earlier plans named, with their rounds.
    :raises RefusedError: a card carries one of them.
    """
    for card in cards:
        for key in (card.mask.key if card.mask else "", card.unsealing.key):
            if key in used:
                raise RefusedError(
                    f"the card of {card.name} carries a key that round {used[key]} used",
                    advice=f"Ask {card.name} for a fresh card: privxray card",
                )


def enrol(
    cards: Sequence[CardHeader],
    terms: CommitteeTerms | None,
    before: PlanHeader | None,
    study: str,
    coordinator: PublicKeys,
) -> Parties:
    """The parties of a first stage: exactly those whose cards are given.

    :param before: the study's last plan, whose roster version goes on.
    :raises UsageError: a keyholder is named whose card is not there.
    """
    hospitals = sorted((card for card in cards if card.role == "hospital"), key=_name)
    trustees = sorted((card for card in cards if card.role == "trustee"), key=_name)
    roster = _versioned(
        [card.member() for card in hospitals],
        [card.trustee() for card in trustees],
        before,
        study,
        coordinator,
    )
    if terms is None:
        return Parties(roster, None)
    unknown = set(terms.hospitals) - {card.name for card in hospitals}
    if unknown:
        raise UsageError(f"no hospital's card is of that name: {', '.join(sorted(unknown))}")
    sitting = [*(card for card in hospitals if card.name in terms.hospitals), *trustees]
    c = terms.corrupt_keyholders
    threshold = terms.threshold if terms.threshold is not None else (len(sitting) + c) // 2 + 1
    least = least_cohort(len(hospitals), len(sitting), threshold, c, terms.corrupt_hospitals)
    committee = Committee(
        threshold=threshold,
        corrupt_keyholders=c,
        corrupt_hospitals=terms.corrupt_hospitals,
        minimum_cohort=terms.minimum_cohort if terms.minimum_cohort is not None else least,
        seats=tuple(Seat(keyholder=card.keys.fingerprint, unsealing=card.unsealing) for card in sitting),
    )
    return Parties(roster, committee)


def carry_on(
    cards: Sequence[CardHeader],
    before: PlanHeader,
    masks: Mapping[Fingerprint, MaskStatement],
    unsealing: Mapping[Fingerprint, UnsealingStatement],
    without: Collection[str],
    coordinator: PublicKeys,
) -> Parties:
    """The parties of a further stage: those of the plan before with fresh keys, newcomers, and none of
    ``without``.

    :param masks: and :param unsealing: the next keys that parties stated in the round before, by fingerprint;
        a fresh card overrides them.
    :raises RefusedError: somebody stated no next key and sent no fresh card.
    :raises UsageError: ``without`` names nobody of the plan.
    """
    names = {party.name for party in before.roster.parties}
    if not set(without) <= names:
        raise UsageError(f"nobody of the plan has that name: {', '.join(sorted(set(without) - names))}")
    fresh = {card.keys.fingerprint: card for card in cards}
    masks = {**masks, **{fp: card.mask for fp, card in fresh.items() if card.mask}}
    unsealing = {**unsealing, **{fp: card.unsealing for fp, card in fresh.items()}}
    staying = [member for member in before.roster.members if member.name not in without]
    trustees = [trustee for trustee in before.roster.trustees if trustee.name not in without]
    seats = [
        seat
        for seat in (before.committee.seats if before.committee else ())
        if (party := before.roster.party(seat.keyholder)) and party.name not in without
    ]
    lacking = [name for name in lacking_next_keys(before, masks, unsealing) if name not in without]
    if lacking:
        raise RefusedError(
            f"no key for the next round is here of: {', '.join(lacking)}",
            advice="Ask for a fresh card (privxray card) and give it too, or go on without: --without NAME",
        )
    members = [m.model_copy(update={"mask": masks[m.keys.fingerprint]}) for m in staying]
    known = {member.keys.fingerprint for member in before.roster.members}
    members += [card.member() for fp, card in fresh.items() if card.role == "hospital" and fp not in known]
    roster = _versioned(sorted(members, key=_name), trustees, before, before.study or "", coordinator)
    if before.committee is None:
        return Parties(roster, None)
    least = least_cohort(len(members), len(seats), *before.committee.numbers)
    return Parties(
        roster,
        before.committee.model_copy(
            update={
                # As agreed, unless fewer hospitals are left or more of them demand more.
                "minimum_cohort": max(least, min(before.committee.minimum_cohort, len(members))),
                "seats": tuple(
                    Seat(keyholder=seat.keyholder, unsealing=unsealing[seat.keyholder]) for seat in seats
                ),
            }
        ),
    )


def lacking_next_keys(plan: PlanHeader, masks: Collection[str], unsealing: Collection[str]) -> list[str]:
    """The parties of a plan whose keys for the plan after it are not here, by name, in the roster's order.

    :param masks: the hospitals whose next mask key is here, by fingerprint.
    :param unsealing: the keyholders whose next unsealing key is.
    """
    seats = plan.committee.seats if plan.committee else ()
    silent = {m.keys.fingerprint for m in plan.roster.members} - set(masks)
    silent |= {seat.keyholder for seat in seats} - set(unsealing)
    return [party.name for party in plan.roster.parties if party.keys.fingerprint in silent]


def _versioned(
    members: Sequence[Member],
    trustees: Sequence[Trustee],
    before: PlanHeader | None,
    study: str,
    coordinator: PublicKeys,
) -> Roster:
    """The same version as before where nobody and no long-lived key changed, else the next one."""
    version = before.roster.version if before else 1
    roster = Roster(version=version, members=tuple(members), trustees=tuple(trustees))
    if before and roster.digest(study, coordinator) != before.roster.digest(study, coordinator):
        return roster.model_copy(update={"version": version + 1})
    return roster


def _name(party: Member | Trustee | CardHeader) -> str:
    return party.name
