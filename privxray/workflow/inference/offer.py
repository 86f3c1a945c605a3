"""``infer offer``: the model owner says which model hospitals may ask, and on what terms."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import UsageError
from privxray.formats.container import seal_header, split
from privxray.formats.header import Body
from privxray.formats.tensors import pack
from privxray.inference.headers import OfferHeader
from privxray.inference.parameters import PACKED
from privxray.inference.terms import MAX_DECIMALS, MAX_LIMIT, Terms
from privxray.keys.identity import Identity
from privxray.keys.key_words import party_words
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import public_keys, unlock
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import SOFTWARE, now
from privxray.workflow.inference.fingerprints import check_fingerprint
from privxray.workflow.inference.global_model import GlobalModel, find_model, head_of
from privxray.workflow.inference.kept_offers import KeptOffer, keep_offer, load_offer, offer_bytes
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State


@dataclass(frozen=True)
class Offered:
    """An offer that is ready to be carried.

    :ivar digest: SHA-256 of its signed header, in hex.
    :ivar key_words: the owner's own, to be read out by phone.
    :ivar again: the same terms were offered before, so this is the same file.
    """

    path: Path
    digest: str
    header: OfferHeader
    key_words: str
    again: bool


def make_offer(
    workspace: Workspace,
    passphrase: Passphrase,
    terms: Terms,
    *,
    model: str | None = None,
    force: bool = False,
) -> Offered:
    """Offer a global model that is kept here, by default the newest. The same terms give the same file.

    A new offer replaces an older one of the same model, whose queries are no longer answered. Images that
    were answered before still count.

    :param model: the beginning of its fingerprint.
    :param force: replace a file that stands where the offer goes.
    :raises UsageError: the terms are out of range, or ``model`` is no fingerprint, or that of several models.
    :raises RefusedError: the model is no linear probe, or its scores are too large.
    :raises WorkspaceError: there is no such model.
    """
    check_fingerprint(model)
    _check_terms(terms)
    with workspace.locked(), State(workspace.state_path) as state:
        own = public_keys(workspace)
        found = find_model(workspace, state, model)
        head_of(found, terms)
        newest = _own_newest(workspace, state, found.digest, own.fingerprint)
        again = newest is not None and newest.header.terms == terms
        if newest is not None and again:
            digest, header = newest.digest, newest.header
            data = offer_bytes(workspace, digest)
        else:
            data, header = _sign_offer(workspace.config.name, found, unlock(workspace, passphrase), terms)
            digest = split(data).digest
            keep_offer(workspace, state, data, digest, header)
        path = workspace.root / "offers" / f"{workspace.config.name}-{digest[:8]}.offer"
        send(state, data, path, force=force)
        return Offered(path, digest, header, party_words(workspace.config.name, own), again)


def _check_terms(terms: Terms) -> None:
    if not 1 <= terms.limit <= MAX_LIMIT:
        raise UsageError(f"--limit takes 1 to {MAX_LIMIT:,} images", reason="offer.limit-out-of-range")
    if not 1 <= terms.decimals <= MAX_DECIMALS:
        raise UsageError(f"--decimals takes 1 to {MAX_DECIMALS}", reason="offer.decimals-out-of-range")


def _own_newest(workspace: Workspace, state: State, model: str, own: str) -> KeptOffer | None:
    """The newest offer of a model that was made here."""
    made = [kept.digest for kept in state.offers() if kept.owner == own and kept.model == model]
    return load_offer(workspace, made[-1]) if made else None


def _sign_offer(name: str, model: GlobalModel, identity: Identity, terms: Terms) -> tuple[bytes, OfferHeader]:
    """The whole file, and its header."""
    body = pack({"centre": model.tensors["centre"]})
    constants = model.header.constants
    features = (*(("extractor-files",) if model.header.extractor_file else ()), "packed-queries")
    header = OfferHeader.model_validate(
        {
            "format": 2,
            "features": features,
            "parameters": PACKED,
            "study": model.header.study,
            "round": model.header.round,
            "sender": identity.public().fingerprint,
            "body": Body(length=len(body), sha256=hashlib.sha256(body).hexdigest()),
            "created": now(),
            "software": SOFTWARE,
            "owner": identity.public(),
            "owner_name": name,
            "model": model.digest,
            "extractor": model.header.extractor,
            "extractor_file": model.header.extractor_file,
            "classes": model.header.classes,
            "feature_dim": constants["feature_dim"],
            "feature_radius": constants["feature_radius"],
            "limit": terms.limit,
            "decimals": terms.decimals,
            "top1": terms.top1,
        }
    )
    return seal_header(header, identity.signing, header.sender) + body, header
