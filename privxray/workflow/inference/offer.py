"""The model owner's offer: which model, on what terms. Its head is read here and never leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privxray.errors import MalformedError, RefusedError, UsageError, WorkspaceError, about
from privxray.exchange.intake import read_again
from privxray.exchange.messages.model import ModelHeader
from privxray.formats.container import seal_header, split
from privxray.formats.header import Body
from privxray.formats.tensors import pack, unpack
from privxray.inference.headers import MAX_DECIMALS, MAX_LIMIT, OfferHeader
from privxray.keys.identity import Identity
from privxray.keys.party import party_words
from privxray.workflow.common.session import SOFTWARE, Passphrase, deliver, now, public_keys, unlock
from privxray.workflow.inference.trust import (
    KeptOffer,
    check_fingerprint,
    keep_offer,
    load_offer,
    matches,
    offer_bytes,
)
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.inference.owner import Head


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
class Model:
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
        found = find_model(workspace, state, model)
        head_of(found, top1=top1)
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


def find_model(workspace: Workspace, state: State, wanted: str | None) -> Model:
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
        return Model(digest, header, unpack(received.body()))


def head_of(model: Model, *, top1: bool) -> Head:
    """The linear head of a model.

    :raises RefusedError: the model has none, or its scores are too large.
    """
    from privxray.inference.owner import TOP1_FACTOR, Head

    if model.header.method != "linear-probe":
        raise RefusedError(
            f"only linear-probe models can be evaluated encrypted, and this one is {model.header.method}"
        )
    from privxray.learning.linear_probe.linear_probe_method import LinearProbe, linear_head

    head = Head.centred(*linear_head(model.tensors, LinearProbe().constants(model.header.constants)))
    head.check_range(TOP1_FACTOR if top1 else 1.0)
    return head


def _write_offer(
    workspace: Workspace, model: Model, identity: Identity, limit: int, decimals: int, top1: bool
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


def _own_offers(workspace: Workspace, state: State, model: str) -> list[KeptOffer]:
    own = public_keys(workspace).fingerprint
    return [
        load_offer(workspace, kept.digest)
        for kept in state.offers()
        if kept.owner == own and kept.model == model
    ]


def _model_path(workspace: Workspace, round_: Round) -> Path:
    if workspace.config.role == "coordinator":
        return workspace.round_folder(round_.study, round_.number) / "global.model"
    from privxray.workflow.hospital.accept import kept_model

    return kept_model(workspace, round_.study, round_.number)
