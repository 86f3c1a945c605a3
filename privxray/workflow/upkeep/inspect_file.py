"""``inspect``: what a travelling file says, and how far its signature can be judged here.

Tested in tests/cli/test_study.py and tests/cli/test_bad_input.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privxray.errors import about
from privxray.exchange.intake import read_again
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.proof import ProofHeader
from privxray.exchange.messages.request import RequestHeader
from privxray.exchange.messages.share import ShareHeader
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats.header import Fingerprint, Header
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.keys.card import CardHeader
from privxray.keys.identity import PublicKeys
from privxray.workflow.common.planned_round import load_plan
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking

_HEADERS: dict[str, type[Header]] = {
    "card": CardHeader,
    "plan": PlanHeader,
    "update": UpdateHeader,
    "request": RequestHeader,
    "share": ShareHeader,
    "proof": ProofHeader,
    "model": ModelHeader,
    "offer": OfferHeader,
    "query": QueryHeader,
    "answer": AnswerHeader,
}


@dataclass(frozen=True)
class Inspected:
    """A file's header as JSON, and in words how far its signature can be judged here.

    :param verified: whether a key was at hand by which the signature is good. Without one it is only known
        that the body fits the header, and whoever changes the one can change the other.
    """

    header: dict[str, Any]
    signature: str
    verified: bool

    def rows(self) -> Iterator[tuple[str, str]]:
        """The header as lines for a person: field and value. Long values are cut."""
        return _flatten("", self.header)


def inspect_file(path: Path, workspace: Workspace | None) -> Inspected:
    """Read a travelling file where it lies.

    :raises MalformedError: damaged.
    :raises IdentityError: altered, where the signer's key is in the file or known here.
    """
    with about(path):
        received = read_again(path)
        model = _HEADERS[received.envelope.kind]
        header = received.envelope.claim(model)
        key, words = _signer(header, received.envelope.key_id, workspace)
        if key is not None:
            received.envelope.verify(key.verifier(), model)
        received.check_body(header.body)
        return Inspected(header.stated(), words, key is not None)


def _signer(
    header: Header, key_id: Fingerprint, workspace: Workspace | None
) -> tuple[PublicKeys | None, str]:
    """The key to verify with, and how much that is worth."""
    if isinstance(header, CardHeader):
        return header.keys, "good, by the key in the card itself; key words settle whose it is"
    trusted = _trusted_keys(workspace)
    if key_id in trusted:
        keys, name = trusted[key_id]
        return keys, f"good, by {name}"
    own = _own_keys_in(header)
    if own is not None:
        return own, f"good, by the key in the {header.kind} itself; key words settle whose it is"
    return None, "not checked: the signer is not known in this workspace"


def _own_keys_in(header: Header) -> PublicKeys | None:
    if isinstance(header, PlanHeader):
        return header.coordinator
    if isinstance(header, OfferHeader):
        return header.owner
    return header.hospital if isinstance(header, QueryHeader) else None


def _trusted_keys(workspace: Workspace | None) -> dict[str, tuple[PublicKeys, str]]:
    if workspace is None:
        return {}
    known: dict[str, tuple[PublicKeys, str]] = {}
    with looking(workspace) as session:
        for name, keys in session.state.parties():
            met = PublicKeys.model_validate_json(keys)
            known[met.fingerprint] = (met, name)
        for round_ in session.state.rounds():
            plan = load_plan(workspace, round_)
            known[plan.sender] = (plan.coordinator, f"the coordinator of {plan.study}")
            for party in plan.roster.parties:
                known[party.keys.fingerprint] = (party.keys, party.name)
    return known


def _flatten(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(f"{prefix}.{key}" if prefix else key, inner)
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for place, inner in enumerate(value):
            yield from _flatten(f"{prefix}[{place}]", inner)
    else:
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield prefix, text if len(text) <= 80 else f"{text[:32]}... ({len(text)} characters)"
