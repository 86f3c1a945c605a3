"""The files that ``plan --repeat`` takes, told apart, and what parties signed in them.

Tested in tests/cli/test_repeated_rounds.py and tests/cli/test_repeats_held.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from privxray.errors import PrivxrayError, RefusedError
from privxray.exchange.admission.repeating.admit_consents import admit_refusal, admit_waiver
from privxray.exchange.intake import Received, envelope_of, take_in
from privxray.exchange.messages.consents import RefusalHeader, enclosed
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.repeats import MAX_FAULTY, Faulty, Without
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats import canonical
from privxray.formats.header import Fingerprint, PlanHash
from privxray.keys.identity import Identity
from privxray.keys.sealed_body import body_key
from privxray.keys.unsealing_statement import UnsealingStatement
from privxray.workflow.common.planned_round import PlannedRound
from privxray.workflow.common.repeated_plans import chain_of
from privxray.workflow.custody.revoked import expect_not_revoked
from privxray.workspace.session import Session


@dataclass
class RepeatFiles:
    """Paths by what the files say they are. What can't be told counts as a file of the round."""

    of_the_round: list[Path] = field(default_factory=list)
    cards: list[Path] = field(default_factory=list)
    waivers: list[Path] = field(default_factory=list)
    refusals: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Consents:
    """What parties signed so that a round can be repeated otherwise.

    :param waived: the hospitals that may be left out.
    :param unsealing: the next keys of keyholders that refused the round which is open.
    :param waivers: and :param refusals: as the plan carries them.
    """

    waived: frozenset[Fingerprint]
    unsealing: Mapping[Fingerprint, UnsealingStatement]
    waivers: tuple[str, ...]
    refusals: tuple[str, ...]

    def stated(self, asked: Sequence[Fingerprint] | None, faulty: Sequence[Faulty] = ()) -> Without | None:
        """The plan's field; None where nothing has to be said.

        :param asked: the hospitals whose sum keyholders were asked for.
        :param faulty: updates that everybody is to see to be wrong.
        """
        if asked is None and not (self.waivers or self.refusals or faulty):
            return None
        return Without(
            asked=None if asked is None else tuple(asked),
            faulty=tuple(faulty),
            waivers=self.waivers,
            refusals=self.refusals,
        )


def sorted_by_kind(paths: Sequence[Path]) -> RepeatFiles:
    """Tell files apart by their envelopes; nothing in them is verified."""
    files = RepeatFiles()
    by_kind = {"card": files.cards, "waiver": files.waivers, "refusal": files.refusals}
    for path in paths:
        try:
            kind = envelope_of(path).kind
        except (PrivxrayError, OSError):
            kind = "update"  # collecting it says what is wrong with it
        by_kind.get(kind, files.of_the_round).append(path)
    return files


def read_consents(session: Session, planned: PlannedRound, files: RepeatFiles) -> Consents:
    """Verify waivers of the open round, and refusals of it and of those that it repeats.

    :raises PrivxrayError: one of them is not what it must be.
    """
    known = {one.digest: one for one in (planned.signed, *chain_of(session, planned.plan).earlier)}
    waivers: dict[Fingerprint, str] = {}
    for path in files.waivers:
        with take_in(path, session.workspace.inbox) as received:
            waiver = admit_waiver(received.envelope, planned.signed)
            expect_not_revoked(session.state, waiver.sender)
            received.check_body(waiver.body)
            waivers[waiver.sender] = enclosed(received.start())
    refusals: dict[tuple[str, Fingerprint], str] = {}
    unsealing: dict[Fingerprint, UnsealingStatement] = {}
    for path in files.refusals:
        with take_in(path, session.workspace.inbox) as received:
            about = _plan_of(received.envelope.claim(RefusalHeader), known)
            refusal = admit_refusal(received.envelope, about)
            expect_not_revoked(session.state, refusal.sender)
            received.check_body(refusal.body)
            refusals[about.digest, refusal.sender] = enclosed(received.start())
            if about is planned.signed:
                unsealing[refusal.sender] = refusal.next_unsealing
    return Consents(
        frozenset(waivers),
        unsealing,
        tuple(waivers[one] for one in sorted(waivers)),
        tuple(refusals[one] for one in sorted(refusals)),
    )


def shown_update(received: Received, header: UpdateHeader, coordinator: Identity) -> Faulty:
    """An update and the key of its body, so that every hospital can see that it is wrong.

    :raises RefusedError: it is too large to travel inside of a plan.
    """
    data = canonical.to_base64(b"".join(received.whole()))
    if len(data) > MAX_FAULTY or header.body.key is None:
        raise _too_large()
    key = body_key(header.body.key, header, header.plan, coordinator)
    return Faulty(update=data, key=canonical.to_base64(key))


def expect_to_fit(shown: Iterable[Faulty]) -> None:
    """:raises RefusedError: these wrong updates are together too large to travel inside of a plan."""
    if sum(len(one.update) for one in shown) > MAX_FAULTY:
        raise _too_large()


def _too_large() -> RefusedError:
    return RefusedError(
        "the wrong updates that are left out are too large to be shown to all hospitals inside of the plan",
        reason="repeat.faulty-too-large",
        advice="Some of these hospitals have to train anew, or to sign a waiver: privxray waive",
    )


def _plan_of(claimed: RefusalHeader, known: Mapping[PlanHash, SignedPlan]) -> SignedPlan:
    found = None if claimed.plan is None else known.get(claimed.plan)
    if found is None:
        raise RefusedError(
            "the refusal is about another round than the open one and those that it repeats",
            reason="refusal.other-round",
            advice="Leave it out; ask the keyholder for its refusal of this round: privxray refuse",
        )
    return found
