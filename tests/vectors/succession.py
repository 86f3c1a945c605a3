"""The vectors of docs/SPEC-2.md, section 10: recovery keys, candidacies, votes and successions.

They come under ``named-plan``, in which hospital-a states a recovery key and all hospitals have a vote.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).parents[1] / "unit")]

from exchange_samples import STAMP, Study
from forged_files import Change, put
from format2 import Made, altered, dropped
from mnemonic import Mnemonic

from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.successors import Successors
from privxray.formats import canonical
from privxray.formats.container import seal_header, split
from privxray.formats.header import PlanHash
from privxray.keys.card import CardParts, write_card
from privxray.keys.identity import Identity
from privxray.keys.succession.candidacy import write_candidacy
from privxray.keys.succession.consent import Ballot, Recovery, sign_consent
from privxray.keys.succession.recovery_key import key_of, public_of
from privxray.keys.succession.recovery_statement import RecoveryStatement
from privxray.keys.succession.succession_file import CountedVote, Elected, write_election, write_recovery
from privxray.keys.succession.vote import write_vote

UNTIL, RESULT = "2026-02-01", "ab" * 32
"""The last day of most votes, and the digest of the model that their readers have accepted."""


class Files:
    """Three hospitals, of which two have to agree.

    :param world: the parties, which are those of format 1.
    :param identity: gives the keys of a name.
    """

    def __init__(
        self, world: Study, identity: Callable[[str], Identity], seeded: Callable[..., bytes]
    ) -> None:
        self.world, self.new = world, identity("hospital-a anew")
        self.candidate, self.stranger = identity("coordinator-2"), identity("stranger")
        self.a, self.b, self.c = world.hospitals
        self.words = Mnemonic("english").to_mnemonic(seeded("hospital-a recovery"))
        self.recovery = key_of(self.words)
        self.stated = RecoveryStatement.sign(public_of(self.recovery), self.a.identity.signing)
        first, *others = world.plan.roster.members
        members = (first.model_copy(update={"recovery": self.stated}), *others)
        named = tuple(sorted(hospital.fingerprint for hospital in world.hospitals))
        self.plan: PlanHeader = world.make_plan(
            format=2,
            features=("succession",),
            roster=world.plan.roster.model_copy(update={"members": members}),
            successors=Successors(members=named, threshold=2),
        )
        self.file = seal_header(self.plan, world.coordinator.signing, self.plan.sender)
        self.digest = split(self.file).digest

    def all(self) -> dict[str, Made]:
        """By the plan that they come under."""
        made = self._cards() | self._plans() | self._candidacies() | self._votes()
        return {
            "named-plan": made | self._recoveries() | self._elections(),
            "named-later-plan": self._later(),
        }

    def _later(self) -> Made:
        """Under the plan after that, by which the coordinator shows that it is there."""
        later = self.plan.model_copy(update={"round": 2, "previous": PlanHash(self.digest)})
        file = seal_header(later, self.world.coordinator.signing, self.plan.sender)
        a, b = self.a.identity, self.b.identity
        over = {"round": 2, "plan": PlanHash(split(file).digest)}
        return {
            "named-later-plan": (file, "ok", "the plan after named-plan"),
            "succession-before-a-newer-plan": (
                self.voted(a, b),
                "succession.before-newer-plan",
                "nothing was signed since the votes",
            ),
            "succession-over-the-newer-plan": (self.voted(a, b, **over), "ok", "votes over the later plan"),
        }

    def _cards(self) -> Made:
        a = self.a
        parts = CardParts(
            a.name, a.member().mask, a.unsealing_statement(), None, ("succession",), recovery=self.stated
        )
        good = write_card(a.identity, parts, STAMP)
        by_b = RecoveryStatement.sign(public_of(self.recovery), self.b.identity.signing)

        def card(*changes: Change) -> bytes:
            return altered(good, a.identity, *changes)

        def stating(key: str) -> bytes:
            return card(put("recovery", value=RecoveryStatement.sign(key, a.identity.signing).model_dump()))

        return {
            "card-with-recovery": (good, "ok", "a card with a recovery key"),
            "card-recovery-missing": (
                card(dropped("recovery")),
                "header.field-of-feature-lacking",
                "present where the feature is",
            ),
            "card-recovery-unlisted": (
                card(put("features", value=[])),
                "header.field-of-other-feature",
                "only where the feature is",
            ),
            "card-recovery-of-another": (
                card(put("recovery", value=by_b.model_dump())),
                "statement.not-its-owners",
                "signed by its owner",
            ),
            "card-recovery-weak": (
                stating(canonical.to_base64(bytes(32))),
                "recovery.weak-key",
                "a key that only its holder signs with",
            ),
            "card-recovery-too-short": (
                stating(canonical.to_base64(b"short")),
                "recovery.key-base64",
                "32 bytes",
            ),
            "card-recovery-is-its-own": (
                stating(a.identity.public().signing),
                "recovery.own-key",
                "another key than the one that it stands in for",
            ),
        }

    def _plans(self) -> Made:
        members = list(self.plan.successors.members) if self.plan.successors else []

        def plan(*changes: Change) -> bytes:
            return altered(self.file, self.world.coordinator, *changes)

        def named(*fingerprints: str, threshold: int = 2) -> bytes:
            return plan(put("successors", value={"members": list(fingerprints), "threshold": threshold}))

        return {
            "named-plan": (self.file, "ok", "a plan with recovery keys and votes"),
            "named-plan-without-successors": (
                plan(put("successors", value=None)),
                "ok",
                "nobody may have a vote",
            ),
            "named-plan-successors-missing": (
                plan(dropped("successors")),
                "header.field-of-feature-lacking",
                "present where the feature is",
            ),
            "named-plan-successors-descending": (
                named(*reversed(members)),
                "plan.successors-order",
                "ascending",
            ),
            "named-plan-stranger": (
                named(*sorted([members[0], self.stranger.public().fingerprint])),
                "plan.successors-unknown",
                "hospitals of the roster",
            ),
            "named-plan-threshold-above": (
                named(*members, threshold=4),
                "plan.successors-too-few",
                "threshold at most as many as have a vote",
            ),
            "named-plan-threshold-1": (named(*members, threshold=1), "header.field", "threshold at least 2"),
            "named-plan-recovery-of-another": (
                plan(put("roster", "members", 1, "recovery", value=self.stated.model_dump())),
                "statement.not-its-owners",
                "signed by its owner",
            ),
        }

    def _candidacies(self) -> Made:
        good = write_candidacy(self.candidate, "coordinator-2", "pneumonia", UNTIL, STAMP)

        def candidacy(*changes: Change) -> bytes:
            return altered(good, self.candidate, *changes)

        by_party = write_candidacy(self.b.identity, "hospital-b", "pneumonia", UNTIL, STAMP)
        return {
            "candidacy": (good, "ok", "a candidacy"),
            "candidacy-of-another-sender": (
                candidacy(put("sender", value="0" * 64)),
                "candidacy.other-sender",
                "its sender is the key in it",
            ),
            "candidacy-without-a-study": (
                candidacy(put("study", value=None)),
                "candidacy.body-or-study",
                "for one study",
            ),
            "candidacy-without-its-feature": (
                candidacy(put("features", value=[])),
                "candidacy.other-form",
                "the feature is listed",
            ),
            "candidacy-without-a-last-day": (
                candidacy(dropped("until")),
                "candidacy.without-last-day",
                "it has a last day",
            ),
            "candidacy-past": (
                candidacy(put("until", value="2026-01-01")),
                "candidacy.past",
                "its last day is to come",
            ),
            "candidacy-of-the-last-day": (candidacy(put("until", value="2026-01-02")), "ok", "today is fine"),
            "candidacy-for-90-days-and-one": (candidacy(put("until", value="2026-04-03")), "ok", "91 days"),
            "candidacy-too-far": (
                candidacy(put("until", value="2026-04-04")),
                "candidacy.too-far",
                "at most 91 days from today",
            ),
            "candidacy-until-no-day": (
                candidacy(put("until", value="2026-02-30")),
                "header.field",
                "its last day is a day",
            ),
            "candidacy-of-a-hospital": (by_party, "candidacy.keys-of-a-party", "keys of its own"),
        }

    def ballot(self, **changes: Any) -> Ballot:
        """What a vote for the candidate consents to."""
        good = Ballot(
            study="pneumonia",
            round=1,
            plan=PlanHash(self.digest),
            result=RESULT,
            old=self.plan.sender,
            keys=self.candidate.public(),
            until=UNTIL,
        )
        return replace(good, **changes)

    def vote(self, signer: Identity | None = None, **changes: Any) -> bytes:
        """A vote, by default hospital-a's."""
        return write_vote(signer or self.a.identity, self.ballot(**changes), STAMP)

    def _votes(self) -> Made:
        good = self.vote()

        def vote(*changes: Change) -> bytes:
            return altered(good, self.a.identity, *changes)

        return {
            "vote": (good, "ok", "a vote"),
            "vote-over-an-older-plan": (
                self.vote(round=0, plan="0" * 64),
                "vote.older-plan",
                "no older plan",
            ),
            "vote-before-the-model": (self.vote(result=None), "vote.before-result", "over the model"),
            "vote-over-another-model": (
                self.vote(result="cd" * 32),
                "vote.other-result",
                "over the same model",
            ),
            "vote-without-a-last-day": (
                vote(dropped("until")),
                "vote.without-last-day",
                "it has a last day",
            ),
            "vote-past": (self.vote(until="2026-01-01"), "vote.past", "its last day is to come"),
            "vote-until-another-day-than-it-consents-to": (
                vote(put("until", value="2026-03-01")),
                "vote.wrong-consent",
                "its consent binds the last day",
            ),
            "vote-over-another-model-than-it-consents-to": (
                vote(put("result", value=None)),
                "vote.wrong-consent",
                "its consent binds the model",
            ),
            "vote-of-another-sender": (
                vote(put("sender", value="0" * 64)),
                "vote.other-sender",
                "its sender signs",
            ),
            "vote-of-a-stranger": (
                self.vote(self.stranger),
                "vote.unknown-signer",
                "a hospital of the plan signs",
            ),
            "vote-without-a-plan": (vote(put("plan", value=None)), "vote.body-or-plan", "of a plan"),
            "vote-without-its-feature": (
                vote(put("features", value=[])),
                "vote.other-form",
                "the feature is listed",
            ),
            "vote-for-others-than-it-consents-to": (
                vote(put("keys", value=self.new.public().model_dump())),
                "vote.wrong-consent",
                "its consent is to these keys",
            ),
            "vote-for-another-place": (
                self.vote(old="0" * 64),
                "vote.other-candidate",
                "the place of the plan's coordinator",
            ),
            "vote-over-a-newer-plan": (self.vote(round=2), "vote.newer-plan", "no newer plan"),
            "vote-over-another-plan": (self.vote(plan="0" * 64), "vote.other-plan", "the same plan"),
        }

    def _recoveries(self) -> Made:
        old = self.a.fingerprint
        consent = sign_consent(self.recovery, Recovery(old, self.new.public()))
        good = write_recovery(self.new, "hospital-a", old, consent, STAMP)

        def succession(*changes: Change) -> bytes:
            return altered(good, self.new, *changes)

        of_study = sign_consent(self.recovery, self.ballot(old=old, keys=self.new.public()))
        own = sign_consent(self.a.identity.signing, Recovery(old, self.new.public()))
        return {
            "succession-by-recovery": (good, "ok", "new keys by a recovery key"),
            "succession-by-the-old-key": (
                succession(put("consent", value=own)),
                "succession.wrong-consent",
                "the recovery key that the plan states consents",
            ),
            "succession-by-consent-for-a-study": (
                succession(put("consent", value=of_study)),
                "succession.wrong-consent",
                "a vote is no consent of a recovery key",
            ),
            "succession-by-recovery-of-another-name": (
                succession(put("name", value="hospital-b")),
                "succession.other-name",
                "the party's name",
            ),
            "succession-of-a-party-without-recovery-key": (
                succession(put("old", value=self.b.fingerprint), put("name", value="hospital-b")),
                "succession.no-recovery-key",
                "the plan states a recovery key",
            ),
            "succession-by-recovery-with-a-study": (
                succession(put("study", value="pneumonia")),
                "succession.recovery-parts",
                "no part of a vote",
            ),
            "succession-of-another-sender": (
                succession(put("sender", value="0" * 64)),
                "succession.other-sender",
                "the new key is its sender",
            ),
            "succession-with-a-body": (
                succession(put("body", "length", value=1)),
                "succession.body",
                "there is no body",
            ),
            "succession-to-the-same-key": (
                succession(put("old", value=self.new.public().fingerprint)),
                "succession.same-key",
                "another key than the old one",
            ),
            "succession-without-its-feature": (
                succession(put("features", value=[])),
                "succession.other-form",
                "the feature is listed",
            ),
        }

    def counted(self, *signers: Any, **changes: Any) -> tuple[CountedVote, ...]:
        """The consents of these hospitals to the candidate."""
        ballot = self.ballot(**changes)
        return tuple(
            CountedVote(
                party=one.public().fingerprint, until=ballot.until, consent=sign_consent(one.signing, ballot)
            )
            for one in signers
        )

    def elected(self, *votes: CountedVote, **changes: Any) -> bytes:
        """The succession by these votes."""
        fields = {"study": "pneumonia", "round": 1, "plan": self.digest, "result": RESULT, "votes": votes}
        elected = Elected(**(fields | changes))
        return write_election(self.candidate, "coordinator-2", self.plan.sender, elected, STAMP)

    def voted(self, *signers: Any, **changes: Any) -> bytes:
        """The succession by the votes of these hospitals, which say what it says."""
        told = {name: value for name, value in changes.items() if name != "until"}
        return self.elected(*self.counted(*signers, **changes), **told)

    def _elections(self) -> Made:
        a, b = self.a.identity, self.b.identity
        votes = self.counted(a, b)
        good = self.elected(*votes)

        def succession(*changes: Change) -> bytes:
            return altered(good, self.candidate, *changes)

        twice = [votes[0].model_dump()] * 2
        return {
            "succession-by-votes": (good, "ok", "a coordinator by two votes of three"),
            "succession-by-one-vote": (
                self.elected(*votes[:1]),
                "succession.too-few-votes",
                "as many votes as the plan asks for",
            ),
            "succession-by-one-vote-twice": (
                succession(put("votes", value=twice)),
                "succession.votes-order",
                "each hospital once, ascending",
            ),
            "succession-by-a-stranger-s-vote": (
                self.elected(votes[0], *self.counted(self.stranger)),
                "succession.no-vote",
                "votes of those whom the plan names",
            ),
            "succession-by-a-vote-for-another-study": (
                self.elected(votes[0], *self.counted(b, study="cardiology")),
                "succession.false-vote",
                "a vote binds the study",
            ),
            "succession-for-another-study": (
                self.elected(*votes, study="cardiology"),
                "succession.other-coordinator",
                "of the study that is followed",
            ),
            "succession-for-another-coordinator": (
                succession(put("old", value="0" * 64)),
                "succession.other-coordinator",
                "in the place of the coordinator that is followed",
            ),
            "succession-over-another-plan": (
                self.voted(a, b, plan="0" * 64),
                "succession.other-plan",
                "over the plan that is followed",
            ),
            "succession-over-a-newer-plan": (self.voted(a, b, round=2, plan="0" * 64), "ok", "a missed plan"),
            "succession-before-the-model": (
                self.voted(a, b, result=None),
                "succession.before-newer-result",
                "nothing was signed since the votes",
            ),
            "succession-over-another-model": (
                self.voted(a, b, result="cd" * 32),
                "succession.other-result",
                "over the model that was accepted",
            ),
            "succession-past": (
                self.elected(votes[0], *self.counted(b, until="2026-01-01")),
                "succession.past",
                "the last day of each vote is to come",
            ),
            "succession-on-the-last-day": (self.voted(a, b, until="2026-01-02"), "ok", "today is fine"),
            "succession-by-votes-over-different-plans": (
                self.elected(votes[0], *self.counted(b, plan="0" * 64)),
                "succession.false-vote",
                "all votes over one plan",
            ),
            "succession-by-votes-until-another-day": (
                succession(put("votes", 0, "until", value="2026-03-01")),
                "succession.false-vote",
                "a vote binds its last day",
            ),
            "succession-without-a-last-day": (
                succession(put("votes", 0, "until", value=None)),
                "succession.without-last-day",
                "each vote has a last day",
            ),
            "succession-by-votes-without-a-plan": (
                succession(put("plan", value=None)),
                "succession.vote-parts",
                "of the coordinator's last plan",
            ),
        }
