"""``infer answer``: the model owner computes on a query's encrypted images, and counts them.

The order is that of an export. The answer is made and fsynced inside the workspace; one transaction counts
its images; only then does it leave. A crash before the transaction leaves nothing counted, nothing outside.
After it, the same query gets the same bytes again, uncounted, because no others can be made any more.

Tested in tests/cli/test_infer.py.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import MalformedError, about
from privxray.exchange.intake import read_again, take_in
from privxray.formats.container import seal_header
from privxray.inference import wire
from privxray.inference.headers import AnswerHeader
from privxray.keys.identity import Identity
from privxray.keys.sealed_body import open_body, seal_body
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.deliver import chosen_folder
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import SOFTWARE, now
from privxray.workflow.inference.admitted_query import AdmittedQuery, admitted_query
from privxray.workflow.inference.global_model import find_model, head_of
from privxray.workflow.inference.trust import Prompts, ensure_trusted
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State


@dataclass(frozen=True)
class Answered:
    """An answer that is ready to be carried.

    :ivar hospital: the name of the hospital that asked.
    :ivar limit: the offer's.
    :ivar size: of the file, in bytes.
    :ivar again: the query was answered before, so these are the same bytes, and nothing was counted.
    :ivar written: the file was written now; otherwise it lay there already.
    :ivar seconds: that the computation took; None for an answer that was made before.
    """

    path: Path
    header: AnswerHeader
    hospital: str
    limit: int
    size: int
    again: bool
    written: bool
    seconds: float | None


def answer_query(
    workspace: Workspace,
    path: Path,
    prompts: Prompts,
    *,
    folder: Path | None = None,
    force: bool = False,
) -> Answered:
    """Answer a query on its encrypted images, count them, and write the answer for its hospital.

    :param path: the query.
    :param folder: where the answer goes; by default ``answers``.
    :param force: replace a file that stands there.
    :raises WorkspaceError: a trustee's workspace, which has no model.
    :raises IdentityError: the hospital's key words are wrong, or its signature.
    :raises RefusedError: it is for no offer of ours, or goes beyond its limit; nothing was counted.
    :raises MalformedError: its ciphertexts are none; nothing was counted.
    :raises SystemTroubleError: the computation did not end well; nothing was counted.
    """
    workspace.require(("hospital", "coordinator"), "infer answer")
    chosen = chosen_folder(folder, workspace.root / "answers")
    with workspace.locked(), State(workspace.state_path) as state, take_in(path, workspace.inbox) as received:
        admitted = admitted_query(workspace, state, received)
        query = admitted.query
        ensure_trusted(workspace, state, query.hospital_name, query.hospital, prompts.words)
        kept = workspace.inference / "answers" / f"{admitted.digest}.answer"
        again, seconds = state.answer_to(admitted.digest) is not None, None
        if not again:
            seconds = _answer_new(workspace, state, admitted, prompts.passphrase, kept)
        with about(kept):
            made = read_again(kept)
            if made.sha256 != state.answer_to(admitted.digest):
                raise MalformedError(
                    "this is not the answer that was counted",
                    reason="answer.kept-copy-altered",
                    advice="Restore it from a backup (privxray help backup)",
                )
        name = f"{query.hospital_name}-{admitted.digest[:8]}.answer"
        target, data = chosen / name, kept.read_bytes()
        written = send(state, data, target, force=force)
        header = made.envelope.claim(AnswerHeader)
        limit = admitted.offer.limit
        return Answered(target, header, query.hospital_name, limit, len(data), again, written, seconds)


def _answer_new(
    workspace: Workspace, state: State, admitted: AdmittedQuery, passphrase: Passphrase, kept: Path
) -> float:
    """Make the answer, keep it and count it; the seconds that the computation took."""
    from privxray.inference.owner_side import Answering
    from privxray.inference.sandbox import evaluate

    query, offer = admitted.query, admitted.offer
    left = admitted.left_after(state)
    head = head_of(find_model(workspace, state, query.model))
    identity = unlock(workspace, passphrase)
    plain = b"".join(open_body(query, query.offer, admitted.file.pieces(), identity))
    question = wire.read_question(plain, offer.layout, query.images)
    started = time.perf_counter()
    results = evaluate(Answering(head, offer.seed, offer.layout, offer.terms), question, query.images)
    seconds = time.perf_counter() - started
    data = _sign_answer(identity, admitted, results, left)
    make_private_folder(kept.parent)
    with state.transaction():
        write_atomic(kept, data, overwrite=True)
        sha256 = hashlib.sha256(data).hexdigest()
        state.add_answer(admitted.digest, query.sender, query.model, query.images, sha256)
    return seconds


def _sign_answer(identity: Identity, admitted: AdmittedQuery, results: bytes, left: int) -> bytes:
    """The whole file."""
    query, offer, own = admitted.query, admitted.offer, identity.public().fingerprint
    body, sealed = seal_body(
        "answer", [results], sender=own, recipient=query.hospital, study=query.study, about=admitted.digest
    )
    form = offer.form.of_kind("answer")
    header = AnswerHeader(
        format=form.format,
        features=form.features,
        parameters=offer.parameters,
        study=query.study,
        round=query.round,
        sender=own,
        recipients=(query.sender,),
        body=body,
        created=now(),
        software=SOFTWARE,
        query=admitted.digest,
        offer=query.offer,
        model=query.model,
        images=query.images,
        decimals=offer.decimals,
        top1=offer.top1,
        left=left,
    )
    return seal_header(header, identity.signing, own) + sealed
