"""Twelve words that stand for a file of the coordinator, for people to compare by phone.

Members who were shown different plans or models read out different words. What a plan says of the past tells
that one carry later (docs/adr/0142). After the last model there is no later plan, so people compare words.

Tested in tests/attacks/test_equivocation.py and tests/cli/test_keyholders.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import RefusedError
from privxray.exchange.intake import Received, take_in
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.summary import SummaryHeader
from privxray.formats.container import Envelope
from privxray.formats.header import Digest
from privxray.keys.key_words import words
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working

_HEADERS: dict[str, type[PlanHeader] | type[ModelHeader] | type[SummaryHeader]] = {
    "plan": PlanHeader,
    "model": ModelHeader,
    "summary": SummaryHeader,
}


@dataclass(frozen=True)
class FileWords:
    """The words of a plan that is followed here, or of a result without a proof that was accepted here.

    :param kind: ``plan``, ``model`` or ``summary``.
    :param digest: of the file, in hex, for which the words stand.
    """

    study: str
    round: int
    kind: str
    digest: Digest
    words: str


def digest_words(digest: Digest) -> str:
    """The words of a file, by its digest."""
    return words(bytes.fromhex(digest))


def last_words(plan: PlanHeader, result: ModelHeader | SummaryHeader, digest: Digest) -> str | None:
    """The words of a study's last model or summary: those of its proof, where it has one.

    :param plan: of its round. :param digest: of the file itself.
    :returns: None where a plan may follow, which will name the file.
    """
    return None if plan.next_place else digest_words(result.proof or digest)


def is_told_by_words(file: Envelope) -> bool:
    """Whether a file is one of those that :func:`file_words` takes."""
    header = _HEADERS.get(file.kind)
    claimed = file.claim(header) if header else None
    return isinstance(claimed, PlanHeader) or (claimed is not None and claimed.proof is None)


def file_words(workspace: Workspace, path: Path) -> FileWords:
    """The words of a plan, or of a model or summary without a proof, as it was taken in here.

    :raises RefusedError: it was not.
    """
    with working(workspace) as session, take_in(path, workspace.inbox) as received:
        claimed = received.envelope.claim(_HEADERS[received.envelope.kind])
        _expect_here(session, received, path)
        received.check_body(claimed.body)
        digest = received.envelope.digest
        return FileWords(str(claimed.study), claimed.round, claimed.kind, digest, digest_words(digest))


def _expect_here(session: Session, received: Received, path: Path) -> None:
    taken = {
        digest for round_ in session.state.rounds() for digest in (round_.plan, round_.model, round_.summary)
    }
    if received.envelope.digest not in taken:
        raise RefusedError(
            "this file was not taken in here, so its words say nothing of what this party follows",
            reason="verify.not-taken-in",
            file=path,
            advice="Type privxray join FILE for a plan, or privxray accept FILE for a model",
        )
