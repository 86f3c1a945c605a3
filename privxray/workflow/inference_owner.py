"""The model owner's side of encrypted inference: offering a model, answering queries.

An answer follows the order of an export. It is made and fsynced inside the workspace; one transaction counts
its images; only then does it leave. Interrupted before the transaction, nothing was counted and nothing has
left; after it, the same query gets the same bytes again, uncounted, because no others can be made any more.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privxray.atomic import make_private_folder, write_atomic
from privxray.errors import MalformedError, RefusedError, UsageError, WorkspaceError, about
from privxray.exchange.intake import Received, read_again, take_in
from privxray.exchange.model import ModelHeader
from privxray.formats.container import seal_header, split
from privxray.formats.header import Body
from privxray.formats.tensors import pack, unpack
from privxray.inference import admit, parameters, wire
from privxray.inference.headers import MAX_DECIMALS, MAX_LIMIT, AnswerHeader, OfferHeader, QueryHeader
from privxray.inference.sealing import open_body, seal_body
from privxray.keys.identity import Identity
from privxray.keys.party import party_words
from privxray.state import Round, State
from privxray.workflow.common import SOFTWARE, Passphrase, deliver, now, public_keys, unlock
from privxray.workflow.inference_common import (
    AskWords,
    KeptOffer,
    check_fingerprint,
    ensure_trusted,
    keep_offer,
    load_offer,
    matches,
    offer_bytes,
)
from privxray.workspace import Workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.inference.evaluate import Head

DEFAULT_LIMIT = 100
DEFAULT_DECIMALS = 3


@dataclass(frozen=True)
class Offered:
    """An offer that is ready to be carried; ``key_words`` are the owner's own, to be read out by phone."""

    path: Path
    digest: str
    header: OfferHeader
    key_words: str
    again: bool


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


@dataclass(frozen=True)
class _Model:
    digest: str
    header: ModelHeader
    tensors: Mapping[str, NDArray[Any]]


def offer(
    workspace: Workspace,
    passphrase: Passphrase,
    *,
    model: str | None = None,
    limit: int = DEFAULT_LIMIT,
    decimals: int = DEFAULT_DECIMALS,
    top1: bool = False,
    force: bool = False,
) -> Offered:
    """Offer a global model that is kept here, by default the newest; the same terms give the same file.

    A new offer takes the place of an older one of the same model, whose queries are no longer answered. What
    was answered before still counts.

    :param model: the beginning of its fingerprint.
    :raises RefusedError: the model is no linear probe, or its scores are too large.
    :raises WorkspaceError: there is no model yet.
    """
    check_fingerprint(model)
    if not (1 <= limit <= MAX_LIMIT and 1 <= decimals <= MAX_DECIMALS):
        raise UsageError(f"a limit is 1 to {MAX_LIMIT:,}, decimals are 1 to {MAX_DECIMALS}")
    with workspace.locked(), State(workspace.state_path) as state:
        own = public_keys(workspace)
        found = _find_model(workspace, state, model)
        _head(found, top1=top1)
        terms = (limit, decimals, top1)
        newest = _own_offers(workspace, state, found.digest)[-1:]
        again = [o for o in newest if (o.header.limit, o.header.decimals, o.header.top1) == terms]
        if again:
            digest, header = again[0].digest, again[0].header
            data = offer_bytes(workspace, digest)
        else:
            data, header = _write_offer(workspace, found, unlock(workspace, passphrase), *terms)
            digest = split(data).digest
            keep_offer(workspace, state, data, digest, header)
        path = workspace.root / "offers" / f"{workspace.config.name}-{digest[:8]}.offer"
        deliver(data, path, force=force)
        return Offered(path, digest, header, party_words(workspace.config.name, own), bool(again))


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
        query = admit.admit_query(received.envelope, public_keys(workspace))
        offered = _offer_of(workspace, state, query)
        admit.admit_query_to(query, offered.header)
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
    from privxray.inference.evaluate import answer_noise
    from privxray.inference.sandbox import evaluate

    terms, digest = offered.header, received.envelope.digest
    before = state.answered_images(query.sender, query.model)
    if before + query.images > terms.limit:
        raise RefusedError(
            f"this query has {query.images} images, and {terms.limit - before} of {terms.limit} are left to "
            f"{query.hospital_name}; nothing was answered or counted",
            advice="Ask for fewer, or make a new offer with a higher --limit",
        )
    head = _head(_find_model(workspace, state, query.model), top1=terms.top1)
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
        admit.admit_keys(query, sent)
        make_private_folder(path.parent)
        write_atomic(path, sent, overwrite=True)
        return sent
    kept = path.read_bytes() if path.exists() else b""
    try:
        admit.admit_keys(query, kept)
    except MalformedError:
        raise RefusedError(
            f"the evaluation keys of {query.hospital_name} are not here",
            advice="Ask the hospital to type: privxray infer ask --with-keys",
        ) from None
    return kept


def _write_offer(
    workspace: Workspace, model: _Model, identity: Identity, limit: int, decimals: int, top1: bool
) -> tuple[bytes, OfferHeader]:
    body = pack({"centre": model.tensors["centre"]})
    constants = model.header.constants
    header = OfferHeader.model_validate(
        {
            "study": model.header.study,
            "round": model.header.round,
            "sender": identity.public().fingerprint,
            "body": Body(length=len(body), sha256=hashlib.sha256(body).hexdigest()),
            "created": now(),
            "software": SOFTWARE,
            "owner": identity.public(),
            "owner_name": workspace.config.name,
            "model": model.digest,
            "extractor": model.header.extractor,
            "classes": model.header.classes,
            "feature_dim": constants["feature_dim"],
            "feature_radius": constants["feature_radius"],
            "limit": limit,
            "decimals": decimals,
            "top1": top1,
        }
    )
    return seal_header(header, identity.signing, header.sender) + body, header


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


def _own_offers(workspace: Workspace, state: State, model: str) -> list[KeptOffer]:
    own = public_keys(workspace).fingerprint
    return [
        load_offer(workspace, kept.digest)
        for kept in state.offers()
        if kept.owner == own and kept.model == model
    ]


def _find_model(workspace: Workspace, state: State, wanted: str | None) -> _Model:
    """The newest global model here whose fingerprint begins as wanted."""
    found = {r.model: r for r in state.rounds() if r.model is not None and matches(r.model, wanted)}
    if wanted is not None and len(found) > 1:
        raise UsageError("several models here have a fingerprint that begins so; type more of it")
    if not found:
        what = "no global model is here yet" if wanted is None else "no model here has this fingerprint"
        raise WorkspaceError(what, file=workspace.root, advice="Type: privxray status")
    digest, round_ = list(found.items())[-1]
    path = _model_path(workspace, round_)
    with about(path):
        received = read_again(path)
        header = received.envelope.claim(ModelHeader)
        if received.envelope.digest != digest:
            raise MalformedError("this is not the model that was verified", advice="Restore a backup")
        received.check_body(header.body)
        return _Model(digest, header, unpack(received.body()))


def _model_path(workspace: Workspace, round_: Round) -> Path:
    if workspace.config.role == "coordinator":
        return workspace.round_folder(round_.study, round_.number) / "global.model"
    from privxray.workflow.adoption import kept_model

    return kept_model(workspace, round_.study, round_.number)


def _head(model: _Model, *, top1: bool) -> Head:
    """The linear head of a model.

    :raises RefusedError: the model has none, or its scores are too large.
    """
    from privxray.inference.evaluate import TOP1_FACTOR, Head

    if model.header.method != "linear-probe":
        raise RefusedError(
            f"only linear-probe models can be evaluated encrypted, and this one is {model.header.method}"
        )
    from privxray.learning.linear_probe import LinearProbe, linear_head

    head = Head.centred(*linear_head(model.tensors, LinearProbe().constants(model.header.constants)))
    head.check_range(TOP1_FACTOR if top1 else 1.0)
    return head
