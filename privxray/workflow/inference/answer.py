"""The model owner's answers to queries.

An answer follows the order of an export. It is made and fsynced inside the workspace; one transaction counts
its images; only then does it leave. Interrupted before the transaction, nothing was counted and nothing has
left; after it, the same query gets the same bytes again, uncounted, because no others can be made any more.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import MalformedError, RefusedError, about
from privxray.exchange.intake import Received, read_again, take_in
from privxray.formats.container import seal_header
from privxray.inference import admit_inference, parameters, wire
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.inference.sealed_body import open_body, seal_body
from privxray.keys.identity import Identity
from privxray.workflow.common.session import SOFTWARE, Passphrase, deliver, now, public_keys, unlock
from privxray.workflow.inference.offer import find_model, head_of
from privxray.workflow.inference.trust import AskWords, KeptOffer, ensure_trusted, load_offer
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State


@dataclass(frozen=True)
class Answered:
    """An answer that is ready to be carried. ``seconds`` is None where it had been made before."""

    path: Path
    header: AnswerHeader
    hospital: str
    limit: int
    size: int
    again: bool
    seconds: float | None


def answer(
    workspace: Workspace,
    path: Path,
    passphrase: Passphrase,
    ask_words: AskWords,
    *,
    folder: Path | None = None,
    force: bool = False,
) -> Answered:
    """Answer a query on its encrypted images, count them, and write the answer for its hospital.

    :raises IdentityError: the hospital's key words are wrong, or its signature.
    :raises RefusedError: for no offer of ours, or beyond its limit; nothing was counted.
    :raises MalformedError: its ciphertexts are none; nothing was counted.
    """
    with workspace.locked(), State(workspace.state_path) as state, take_in(path, workspace.inbox) as received:
        query = admit_inference.admit_query(received.envelope, public_keys(workspace))
        offered = _offer_of(workspace, state, query)
        admit_inference.admit_query_to(query, offered.header)
        received.check_body(query.body)
        ensure_trusted(workspace, state, query.hospital_name, query.hospital, ask_words)
        digest, seconds = received.envelope.digest, None
        kept = workspace.inference / "answers" / f"{digest}.answer"
        again = state.answer_to(digest) is not None
        if not again:
            seconds = _answer_new(workspace, state, received, query, offered, passphrase, kept)
        with about(kept):
            made = read_again(kept)
            if made.sha256 != state.answer_to(digest):
                raise MalformedError("this is not the answer that was counted", advice="Restore a backup")
        target = (folder or workspace.root / "answers") / f"{query.hospital_name}-{digest[:8]}.answer"
        data = kept.read_bytes()
        deliver(data, target, force=force)
        header = made.envelope.claim(AnswerHeader)
        limit = offered.header.limit
        return Answered(target, header, query.hospital_name, limit, len(data), again, seconds)


def _answer_new(
    workspace: Workspace,
    state: State,
    received: Received,
    query: QueryHeader,
    offered: KeptOffer,
    passphrase: Passphrase,
    kept: Path,
) -> float:
    from privxray.inference.owner import answer_noise
    from privxray.inference.sandbox import evaluate

    terms, digest = offered.header, received.envelope.digest
    before = state.answered_images(query.sender, query.model)
    if before + query.images > terms.limit:
        raise RefusedError(
            f"this query has {query.images} images, and {terms.limit - before} of {terms.limit} are left to "
            f"{query.hospital_name}; nothing was answered or counted",
            advice="Ask for fewer, or make a new offer with a higher --limit",
        )
    head = head_of(find_model(workspace, state, query.model), top1=terms.top1)
    identity = unlock(workspace, passphrase)
    plain = open_body(query, query.offer, received.pieces(), identity)
    size = query.images * parameters.QUERY_BYTES
    queries = wire.read_queries(plain[len(plain) - size :], query.images)
    keys = wire.read_evaluation_keys(
        _evaluation_keys(workspace, query, plain[: len(plain) - size]), terms.feature_dim
    )
    started = time.perf_counter()
    results = evaluate(head, keys, queries, noise=answer_noise(terms.decimals), top1=terms.top1)
    seconds = time.perf_counter() - started
    left = terms.limit - before - query.images
    data = _write_answer(identity, query, digest, terms, wire.to_bytes(results), left)
    make_private_folder(kept.parent)
    with state.transaction():
        write_atomic(kept, data, overwrite=True)
        sha256 = hashlib.sha256(data).hexdigest()
        state.add_answer(digest, query.sender, query.model, query.images, sha256)
    return seconds


def _evaluation_keys(workspace: Workspace, query: QueryHeader, sent: bytes) -> bytes:
    """A hospital's keys, out of the query or as they were kept from an earlier one."""
    path = workspace.inference / "keys" / f"{query.sender}.keys"
    if query.with_keys:
        admit_inference.admit_keys(query, sent)
        make_private_folder(path.parent)
        write_atomic(path, sent, overwrite=True)
        return sent
    kept = path.read_bytes() if path.exists() else b""
    try:
        admit_inference.admit_keys(query, kept)
    except MalformedError:
        raise RefusedError(
            f"the evaluation keys of {query.hospital_name} are not here",
            advice="Ask the hospital to type: privxray infer ask --with-keys",
        ) from None
    return kept


def _write_answer(
    identity: Identity, query: QueryHeader, query_digest: str, terms: OfferHeader, results: bytes, left: int
) -> bytes:
    own = identity.public().fingerprint
    body, sealed = seal_body(
        "answer", results, sender=own, recipient=query.hospital, study=query.study, about=query_digest
    )
    header = AnswerHeader(
        study=query.study,
        round=query.round,
        sender=own,
        recipients=(query.sender,),
        body=body,
        created=now(),
        software=SOFTWARE,
        query=query_digest,
        offer=query.offer,
        model=query.model,
        images=query.images,
        decimals=terms.decimals,
        top1=terms.top1,
        left=left,
    )
    return seal_header(header, identity.signing, own) + sealed


def _offer_of(workspace: Workspace, state: State, query: QueryHeader) -> KeptOffer:
    """The offer that a query is for: one of ours, and the newest of its model."""
    own = public_keys(workspace).fingerprint
    offers = [kept for kept in state.offers() if kept.owner == own]
    named = next((kept for kept in offers if kept.digest == query.offer), None)
    if named is None:
        raise RefusedError("this query is for an offer that was not made here")
    newest = [kept for kept in offers if kept.model == named.model][-1]
    if newest != named:
        raise RefusedError(
            "this query is for an offer that a newer one has taken the place of",
            advice=f"Send the newer one: offers/{workspace.config.name}-{newest.digest[:8]}.offer",
        )
    return load_offer(workspace, named.digest)
