"""A hospital asks about images.

What leaves is a query: features under the hospital's own CKKS key, sealed to the owner and signed. Which
image stands where in it is remembered in ``state.db``, sealed under the passphrase, and nowhere else.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from privxray.errors import RefusedError, UsageError, WorkspaceError
from privxray.exchange.intake import take_in
from privxray.formats.container import seal_header, split
from privxray.inference import admit_inference, parameters
from privxray.inference.headers import OfferHeader, QueryHeader
from privxray.inference.sealed_body import seal_body
from privxray.keys.identity import Identity
from privxray.keys.party import party_words
from privxray.workflow.common.session import SOFTWARE, Passphrase, deliver, now, public_keys, unlock
from privxray.workflow.inference.client_keys import own_keys, seal_names
from privxray.workflow.inference.trust import (
    AskWords,
    KeptOffer,
    check_fingerprint,
    ensure_trusted,
    keep_offer,
    load_offer,
    matches,
)
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Query:
    """A query that is ready to be carried; ``key_words`` are this hospital's own, to be read out by phone."""

    path: Path
    header: QueryHeader
    offer: OfferHeader
    size: int
    key_words: str
    seconds: float


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
        keys, scheme = own_keys(workspace, identity, chosen.header.feature_dim, make=True)
        fingerprint = hashlib.sha256(keys.evaluation).hexdigest()
        send = with_keys or state.holds_keys(chosen.header.sender) != fingerprint
        from privxray.inference.client import Client

        encrypted = Client(scheme, keys.secret).encrypt(features, chosen.header.layout)
        plain = (keys.evaluation if send else b"") + encrypted
        data = _write_query(workspace, identity, chosen, plain, len(paths), fingerprint, send)
        envelope = split(data)
        sealed = seal_names(identity, envelope.digest, [str(path) for path in paths])
        with state.transaction():
            number = state.add_asked(envelope.digest, envelope.payload.decode(), sealed)
        target = (folder or workspace.root / "queries") / f"{workspace.config.name}-{number:04d}.query"
        deliver(data, target)
        words = party_words(workspace.config.name, identity.public())
        seconds = time.perf_counter() - started
        return Query(target, envelope.claim(QueryHeader), chosen.header, len(data), words, seconds)


def _take_in_offer(
    workspace: Workspace, state: State, path: Path, model: str | None, ask_words: AskWords
) -> KeptOffer:
    with take_in(path, workspace.inbox) as received:
        header = admit_inference.admit_offer(received.envelope)
        received.check_body(header.body)
        body = received.body()
        admit_inference.read_centre(header, body)
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
    from privxray.learning.linear_probe.probe_queries import centred_features
    from privxray.workflow.common.method_inputs import image_inputs

    probe = methods.get("linear-probe")
    inputs = image_inputs(paths, names, probe, probe.constants({}))
    return centred_features(
        inputs, admit_inference.read_centre(offer.header, offer.body), offer.header.feature_radius
    )


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
