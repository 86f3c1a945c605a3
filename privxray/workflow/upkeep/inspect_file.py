"""``inspect``: what a travelling file says, and how far its signature can be judged here.

Tested in tests/cli/test_study.py and tests/cli/test_bad_input.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privxray.errors import MalformedError, StrangeFileError, about
from privxray.exchange.intake import read_again
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.header import SUFFIXES, Header
from privxray.inference.headers import OfferHeader, QueryHeader
from privxray.keys.key_words import party_words
from privxray.keys.succession.candidacy import CandidacyHeader
from privxray.system.regular_files import open_regular
from privxray.workflow.common.plan_sections import Row, plan_rows
from privxray.workflow.hospital.taking_in.plan_changes import changes_here
from privxray.workflow.shards.job_key import JOB_KEY_START
from privxray.workflow.shards.part_file import MAGIC as PART_MAGIC
from privxray.workflow.upkeep.file_summaries.summary_of import summary_of
from privxray.workflow.upkeep.file_summaries.told import Summary
from privxray.workflow.upkeep.header_classes import HEADERS
from privxray.workflow.upkeep.known_signers import NOBODY_KNOWN, Known, known_in, own_keys_in, roster_of
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking


@dataclass(frozen=True)
class Inspected:
    """A file's header as JSON, and in words how far its signature can be judged here.

    :param verified: whether a key was at hand by which the signature is good. Without one it is only known
        that the body fits the header, and whoever changes the one can change the other.
    :param summary: what a person decides by.
    :param deciding: of a plan, further lines to decide by: what is asked, and the answer.
    :param key_words: of a plan whose parties were compared in this workspace, and of an offer or query of its
        own, to be read out; otherwise empty.
    """

    header: dict[str, Any]
    signature: str
    verified: bool
    summary: Summary
    key_words: str = ""
    deciding: tuple[tuple[str, str], ...] = ()

    def rows(self) -> Iterator[tuple[str, str]]:
        """The header as lines for a person: field and value. Long values are cut."""
        return _flatten("", self.header)

    def is_good(self) -> str:
        """Whether the file is as it was signed, in words."""
        whole = "complete and unchanged" if self.verified else "complete"
        return f"{whole}; signature {self.signature}"


def inspect_file(path: Path, workspace: Workspace | None) -> Inspected:
    """Read a travelling file where it lies.

    :raises MalformedError: damaged, or not a file that travels.
    :raises IdentityError: altered, where the signer's key is in the file or known here.
    """
    with about(path):
        try:
            received = read_again(path)
        except StrangeFileError:
            _expect_no_job_file(path)
            raise
        model = HEADERS[received.envelope.kind]
        header = received.envelope.claim(model)
        known, deciding = _known(workspace, header)
        key, words = known.signer(header, received.envelope.key_id)
        if key is not None:
            received.envelope.verify(key.verifier(), model)
        received.check_body(header.body)
        told = summary_of(header, received.envelope.digest, known.reader)
        return Inspected(
            header.stated(), words, key is not None, told, _key_words(header, known), tuple(deciding)
        )


def _expect_no_job_file(path: Path) -> None:
    """Say what a file is that only the machines of one job use.

    :raises MalformedError: it is a part of a job, or a job's key.
    """
    start = b""
    with suppress(OSError), open_regular(path) as file:  # what is wrong with it was told already
        start = file.read(max(map(len, (PART_MAGIC, JOB_KEY_START))))
    if start.startswith(PART_MAGIC):
        raise MalformedError(
            "this is a part of a job on several machines, and tells nothing without the job's key",
            reason="part.inspected",
            advice="Name it in the next step of its job: docs/CLUSTER.md",
        )
    if start.startswith(JOB_KEY_START):
        raise MalformedError(
            "this is the key of a job on several machines, and is secret",
            reason="job-key.inspected",
            advice="Name it after --key-file, and delete it when the job is done",
        )


def _key_words(header: Header, known: Known) -> str:
    """The words that belong to a file, as far as they prove something here."""
    if isinstance(header, PlanHeader):
        return known.words.get(roster_of(header), "")
    own = own_keys_in(header)
    if isinstance(header, OfferHeader | QueryHeader | CandidacyHeader) and own is not None:
        return party_words(known.name, own) if own.fingerprint == known.reader.own else ""
    return ""


def files_in(folder: Path) -> list[Path]:
    """The files of a folder, and of those in it, that are called like files that travel; sorted."""
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and path.suffix.removeprefix(".") in SUFFIXES
    )


def _known(workspace: Workspace | None, header: Header) -> tuple[Known, list[Row]]:
    """What is known here, and by what a person decides about a plan."""
    plan = header if isinstance(header, PlanHeader) else None
    if workspace is None:
        return NOBODY_KNOWN, plan_rows(plan) if plan else []
    with looking(workspace) as session:
        return known_in(session), plan_rows(plan, changes_here(session, plan)) if plan else []


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
