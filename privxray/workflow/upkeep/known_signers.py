"""Whose signatures a workspace can judge, and under which names it knows them.

Tested in tests/cli/test_inspect.py and tests/cli/test_arrivals.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.header import Fingerprint, Header
from privxray.inference.headers import OfferHeader, QueryHeader
from privxray.keys.card import CardHeader
from privxray.keys.identity import PublicKeys
from privxray.keys.revocation import RevocationHeader
from privxray.keys.succession.candidacy import CandidacyHeader
from privxray.keys.succession.succession_file import SuccessionHeader
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.study_words import study_words
from privxray.workflow.upkeep.file_summaries.told import Reader
from privxray.workspace.session import Session


@dataclass(frozen=True)
class Known:
    """What a workspace knows: whose keys, under which names, and what it follows.

    :ivar keys: public keys and their party's name, by fingerprint.
    :ivar words: key words by the digest of the roster that they are of.
    :ivar name: this workspace's party.
    """

    keys: Mapping[str, tuple[PublicKeys, str]]
    reader: Reader
    words: Mapping[str, str]
    name: str = ""

    def signer(self, header: Header, key_id: Fingerprint) -> tuple[PublicKeys | None, str]:
        """The key to verify a file with, and how much that is worth; no key where none is known."""
        if isinstance(header, CardHeader | RevocationHeader | CandidacyHeader | SuccessionHeader):
            return header.keys, f"good, by the key in the {header.kind} itself; key words settle whose it is"
        if key_id in self.keys:
            keys, name = self.keys[key_id]
            return keys, f"good, by {name}"
        own = own_keys_in(header)
        if own is not None:
            return own, f"good, by the key in the {header.kind} itself; key words settle whose it is"
        return None, "not checked: the signer is not known in this workspace"


NOBODY_KNOWN = Known({}, Reader(), {})
"""Outside of a workspace."""


def known_in(session: Session) -> Known:
    """What a workspace knows, by its plans and by the parties whose key words were compared."""
    workspace = session.workspace
    keys: dict[str, tuple[PublicKeys, str]] = {}
    words: dict[str, str] = {}
    for name, stated in session.state.parties():
        met = PublicKeys.model_validate_json(stated)
        keys[met.fingerprint] = (met, name)
    rounds = session.state.rounds()
    for round_ in rounds:
        plan = load_plan(workspace, round_)
        keys[plan.sender] = (plan.coordinator, f"the coordinator of {plan.study}")
        for party in plan.roster.parties:
            keys[party.keys.fingerprint] = (party.keys, party.name)
        roster = roster_of(plan)
        if roster not in words:
            words[roster] = study_words(session.state, plan)
    for fingerprint, (theirs, name) in list(keys.items()):
        if session.state.revoked(Fingerprint(fingerprint)) is not None:
            keys[fingerprint] = (theirs, f"{name}, whose key was revoked")
    results = [(round_.study, one) for round_ in rounds if (one := round_.result)]
    reader = Reader(
        role=session.role,
        names={fingerprint: name for fingerprint, (_, name) in keys.items()},
        own=public_keys(workspace).fingerprint,
        followed=frozenset(round_.plan for round_ in rounds),
        accepted=frozenset(one for _, one in results),
        newest=frozenset(dict(results).values()),
    )
    return Known(keys, reader, words, session.name)


def own_keys_in(header: Header) -> PublicKeys | None:
    """The keys of its sender that a file brings along; None where its kind has none."""
    if isinstance(header, PlanHeader):
        return header.coordinator
    if isinstance(header, OfferHeader):
        return header.owner
    if isinstance(header, CandidacyHeader):
        return header.keys
    return header.hospital if isinstance(header, QueryHeader) else None


def roster_of(plan: PlanHeader) -> str:
    """The digest of a plan's roster, in hex; empty for a plan without a study, which nobody verified."""
    return plan.roster.digest(plan.study_name, plan.coordinator).hex() if plan.study is not None else ""
