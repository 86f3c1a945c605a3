"""A hospital's side of encrypted inference: asking with images, reading the answer.

What leaves is a query: features under the hospital's own CKKS key, sealed to the owner and signed. Which
image stands where in it is remembered in ``state.db``, sealed under the passphrase, and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from privxray.atomic import make_private_folder, write_atomic
from privxray.errors import MalformedError, RefusedError, UsageError, WorkspaceError, about
from privxray.exchange.admit import expect
from privxray.exchange.intake import take_in
from privxray.formats.container import seal_header, split
from privxray.inference import admit, parameters, wire
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.inference.sealing import open_body, seal_body
from privxray.keys.identity import Identity
from privxray.keys.party import party_words
from privxray.state import State
from privxray.state_inference import Asked
from privxray.workflow.common import SOFTWARE, Passphrase, deliver, now, public_keys, unlock
from privxray.workflow.inference_common import (
    AskWords,
    KeptOffer,
    check_fingerprint,
    ensure_trusted,
    keep_offer,
    load_offer,
    matches,
)
from privxray.workspace import Workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.inference.client import KeySet
    from privxray.inference.scheme import Scheme


@dataclass(frozen=True)
class Query:
    """A query that is ready to be carried; ``key_words`` are this hospital's own, to be read out by phone."""

    path: Path
    header: QueryHeader
    offer: OfferHeader
    size: int
    key_words: str
    seconds: float


@dataclass(frozen=True)
class Reading:
    """What an answer says.

    ``paths`` are the images as they were typed, for this hospital's eyes. ``probabilities`` [N, K] are
    rounded to the offer's decimals, and None where the offer gives the most probable class alone.
    ``as_asked`` is false where another model answered than the one that was asked.
    """

    header: AnswerHeader
    owner: str
    classes: tuple[str, ...]
    paths: tuple[str, ...]
    labels: tuple[str, ...]
    probabilities: NDArray[np.float64] | None
    asked_model: str
    as_asked: bool


def ask(
    workspace: Workspace,
    paths: Sequence[Path],
    names: Sequence[str],
    passphrase: Passphrase,
    ask_words: AskWords,
    *,
    offer: Path | None = None,
    model: str | None = None,
    with_keys: bool = False,
    folder: Path | None = None,
) -> Query:
    """Encrypt images' features for the owner of an offer.

    :param names: how to name each image in an error, for a path may identify somebody.
    :param offer: a file to take in first; without it, one that was taken in before.
    :param model: the beginning of a fingerprint, to pick among several offers.
    :param with_keys: send the evaluation keys even if the owner is known to hold them.
    :raises IdentityError: the owner's key words are wrong, or its signature.
    :raises MalformedError: an image that does not decode, an offer that is damaged.
    """
    workspace.require("hospital", "infer ask")
    check_fingerprint(model)
    if not 1 <= len(paths) <= parameters.MAX_IMAGES:
        raise UsageError(f"a query holds 1 to {parameters.MAX_IMAGES} images; ask for the others in another")
    with workspace.locked(), State(workspace.state_path) as state:
        chosen = (
            _take_in_offer(workspace, state, offer, model, ask_words)
            if offer
            else _pick_offer(workspace, state, model)
        )
        if len(paths) > chosen.header.limit:
            raise UsageError(f"this offer answers {chosen.header.limit} images of a hospital, and no more")
        started = time.perf_counter()
        identity = unlock(workspace, passphrase)
        features = _features(chosen, paths, names)
        keys, scheme = _own_keys(workspace, identity, chosen.header.feature_dim, make=True)
        fingerprint = hashlib.sha256(keys.evaluation).hexdigest()
        send = with_keys or state.holds_keys(chosen.header.sender) != fingerprint
        from privxray.inference.client import Client

        encrypted = Client(scheme, keys.secret).encrypt(features, chosen.header.layout)
        plain = (keys.evaluation if send else b"") + encrypted
        data = _write_query(workspace, identity, chosen, plain, len(paths), fingerprint, send)
        envelope = split(data)
        sealed = _seal_names(identity, envelope.digest, [str(path) for path in paths])
        with state.transaction():
            number = state.add_asked(envelope.digest, envelope.payload.decode(), sealed)
        target = (folder or workspace.root / "queries") / f"{workspace.config.name}-{number:04d}.query"
        deliver(data, target)
        words = party_words(workspace.config.name, identity.public())
        seconds = time.perf_counter() - started
        return Query(target, envelope.claim(QueryHeader), chosen.header, len(data), words, seconds)


def read(workspace: Workspace, path: Path, passphrase: Passphrase, *, model: str | None = None) -> Reading:
    """Decrypt an answer. Reading it again gives the same.

    :param model: the beginning of the fingerprint that is expected; by default the one that was asked.
    :raises IdentityError: not signed by the owner who was asked.
    :raises RefusedError: it answers no query of this hospital.
    """
    workspace.require("hospital", "infer read")
    check_fingerprint(model)
    with workspace.locked(), State(workspace.state_path) as state, take_in(path, workspace.inbox) as received:
        expect(received.envelope, "answer")
        claimed = received.envelope.claim(AnswerHeader).query  # selects; the rules then demand it
        row = next((row for row in state.asked() if row.digest == claimed), None)
        if row is None:
            raise RefusedError("this answers a query that was not asked from here")
        query = QueryHeader.model_validate_json(row.header)
        offered = load_offer(workspace, query.offer)
        answer = admit.admit_answer(received.envelope, query, row.digest, offered.header)
        received.check_body(answer.body)
        identity = unlock(workspace, passphrase)
        plain = open_body(answer, row.digest, received.pieces(), identity)
        scores = _decrypt(workspace, identity, offered.header, query, plain)
        with state.transaction():
            state.settle(row.digest, query.recipients[0], query.evaluation_keys)
        return _reading(answer, query, offered.header, scores, _open_names(identity, row), model)


def _reading(
    answer: AnswerHeader,
    query: QueryHeader,
    offer: OfferHeader,
    scores: NDArray[np.float64],
    paths: Sequence[str],
    wanted: str | None,
) -> Reading:
    from privxray.learning.methods import softmax

    best = scores.argmax(axis=1)
    expected = wanted or query.model
    return Reading(
        header=answer,
        owner=offer.owner_name,
        classes=offer.classes,
        paths=tuple(paths),
        labels=tuple(offer.classes[int(place)] for place in best),
        probabilities=None if answer.top1 else softmax(scores).round(answer.decimals),
        asked_model=expected,
        as_asked=matches(answer.model, expected),
    )


def _take_in_offer(
    workspace: Workspace, state: State, path: Path, model: str | None, ask_words: AskWords
) -> KeptOffer:
    with take_in(path, workspace.inbox) as received:
        header = admit.admit_offer(received.envelope)
        received.check_body(header.body)
        body = received.body()
        admit.read_centre(header, body)
        if header.sender == public_keys(workspace).fingerprint:
            raise RefusedError("this offer was made here; privxray predict uses the model itself")
        if not matches(header.model, model):
            raise RefusedError(f"this offer is of another model: {header.model[:16]}")
        _check_extractor(header)
        ensure_trusted(workspace, state, header.owner_name, header.owner, ask_words)
        digest = received.envelope.digest
        keep_offer(workspace, state, received.path.read_bytes(), digest, header)
        return KeptOffer(digest, header, body)


def _pick_offer(workspace: Workspace, state: State, model: str | None) -> KeptOffer:
    """The newest offer of the one model that is meant."""
    own = public_keys(workspace).fingerprint
    offers = [kept for kept in state.offers() if kept.owner != own and matches(kept.model, model)]
    if not offers:
        raise WorkspaceError(
            "no offer was taken in yet" if model is None else "no offer of this model was taken in yet",
            file=workspace.root,
            advice="Type: privxray infer ask IMAGE... --offer FILE",
        )
    if len({(kept.owner, kept.model) for kept in offers}) > 1:
        listed = ", ".join(dict.fromkeys(kept.model[:16] for kept in offers))
        raise UsageError(f"several offers are here: pick a model with --model, or name --offer ({listed})")
    chosen = load_offer(workspace, offers[-1].digest)
    _check_extractor(chosen.header)
    return chosen


def _check_extractor(offer: OfferHeader) -> None:
    from privxray.imaging.features import EXTRACTOR, Extractor

    if offer.extractor != EXTRACTOR or offer.feature_dim != Extractor.dim:
        raise RefusedError(
            "this offer wants another feature extractor than this version of privxray has",
            advice="Install the version that the owner uses (privxray inspect FILE names it)",
        )


def _features(offer: KeptOffer, paths: Sequence[Path], names: Sequence[str]) -> NDArray[np.float64]:
    from privxray.learning import methods
    from privxray.learning.probe_queries import centred_features
    from privxray.workflow.dataset import image_inputs

    inputs = image_inputs(paths, names, methods.get("linear-probe"), None)
    return centred_features(inputs, admit.read_centre(offer.header, offer.body), offer.header.feature_radius)


def _own_keys(
    workspace: Workspace, identity: Identity, features: int, *, make: bool
) -> tuple[KeySet, Scheme]:
    """This hospital's CKKS keys; the secret one rests under the passphrase.

    :param make: make them if there are none yet.
    :raises WorkspaceError: there are none.
    """
    from privxray.inference.client import KeySet, make_keys
    from privxray.inference.scheme import Scheme

    scheme = Scheme()
    secret_path = workspace.inference / f"ckks-{features}.key"
    evaluation_path = workspace.inference / f"ckks-{features}.public"
    if not secret_path.exists() and not make:
        raise WorkspaceError("the key of this query is gone", file=secret_path, advice="Restore a backup")
    if not secret_path.exists():
        made = make_keys(scheme, features)
        make_private_folder(workspace.inference)
        write_atomic(evaluation_path, made.evaluation, overwrite=True)
        # Last, for its presence says that both are there; it holds the hash of the other.
        plain = hashlib.sha256(made.evaluation).digest() + wire.to_bytes(made.secret)
        write_atomic(secret_path, _seal_local(identity, "inference key", plain))
    with about(secret_path):
        plain = _open_local(identity, "inference key", secret_path.read_bytes())
        evaluation = evaluation_path.read_bytes()
        if hashlib.sha256(evaluation).digest() != plain[:32]:
            raise MalformedError("the evaluation keys beside it are damaged", advice="Restore a backup")
        secret = np.frombuffer(plain[32:], "<u8").reshape(-1, parameters.DEGREE)
        return KeySet(secret, evaluation), scheme


def _decrypt(
    workspace: Workspace, identity: Identity, offer: OfferHeader, query: QueryHeader, plain: bytes
) -> NDArray[np.float64]:
    from privxray.inference.client import Client
    from privxray.inference.evaluate import answer_noise

    layout = offer.layout
    answers = wire.read_answers(plain, query.images, layout.results)
    keys, scheme = _own_keys(workspace, identity, offer.feature_dim, make=False)
    return Client(scheme, keys.secret).decrypt(answers, layout, answer_noise(offer.decimals))


def _write_query(
    workspace: Workspace,
    identity: Identity,
    offered: KeptOffer,
    plain: bytes,
    images: int,
    fingerprint: str,
    with_keys: bool,
) -> bytes:
    own, offer = identity.public(), offered.header
    body, sealed = seal_body(
        "query", plain, sender=own.fingerprint, recipient=offer.owner, study=offer.study, about=offered.digest
    )
    header = QueryHeader(
        study=offer.study,
        round=offer.round,
        sender=own.fingerprint,
        recipients=(offer.sender,),
        body=body,
        created=now(),
        software=SOFTWARE,
        hospital=own,
        hospital_name=workspace.config.name,
        offer=offered.digest,
        model=offer.model,
        images=images,
        evaluation_keys=fingerprint,
        with_keys=with_keys,
    )
    return seal_header(header, identity.signing, header.sender) + sealed


def _seal_names(identity: Identity, digest: str, names: Sequence[str]) -> bytes:
    return _seal_local(identity, f"inference names {digest}", json.dumps(names).encode())


def _open_names(identity: Identity, row: Asked) -> list[str]:
    names: list[str] = json.loads(_open_local(identity, f"inference names {row.digest}", row.names))
    return names


def _seal_local(identity: Identity, purpose: str, plain: bytes) -> bytes:
    # A random nonce, for a counter would repeat where an old copy of the workspace is restored.
    nonce = os.urandom(12)
    return nonce + ChaCha20Poly1305(identity.storage_key(purpose)).encrypt(nonce, plain, None)


def _open_local(identity: Identity, purpose: str, sealed: bytes) -> bytes:
    try:
        return ChaCha20Poly1305(identity.storage_key(purpose)).decrypt(sealed[:12], sealed[12:], None)
    except (InvalidTag, ValueError):
        raise MalformedError("what this workspace keeps is damaged", advice="Restore a backup") from None
