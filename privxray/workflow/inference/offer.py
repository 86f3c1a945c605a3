"""``infer offer``: the model owner says which model hospitals may ask, and on what terms."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from privxray.errors import UsageError
from privxray.formats.container import seal_header, split
from privxray.formats.header import Body
from privxray.formats.tensors import pack
from privxray.inference.headers import OfferHeader
from privxray.inference.parameters import FEATURE, ID, SEED_BYTES
from privxray.inference.terms import MAX_DECIMALS, MAX_LIMIT, MAX_OWNERS, Leak, Terms
from privxray.keys.identity import Identity
from privxray.keys.key_words import party_words
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import public_keys, unlock
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import SOFTWARE, now
from privxray.workflow.inference.fingerprints import check_fingerprint
from privxray.workflow.inference.global_model import GlobalModel, find_model, head_of
from privxray.workflow.inference.hospital_secrets import delete_earlier_keys
from privxray.workflow.inference.kept_offers import KeptOffer, keep_offer, load_offer, offer_bytes
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State


@dataclass(frozen=True)
class Offered:
    """An offer that is ready to be carried.

    :ivar digest: SHA-256 of its signed header, in hex.
    :ivar key_words: the owner's own, to be read out by phone.
    :ivar again: the same terms were offered before, so this is the same file.
    :ivar leak: what answers can give away of the model at most, under this offer or an earlier one.
    """

    path: Path
    digest: str
    header: OfferHeader
    key_words: str
    again: bool
    leak: Leak


def make_offer(
    workspace: Workspace,
    passphrase: Passphrase,
    terms: Terms,
    *,
    model: str | None = None,
    owners: int = 1,
    force: bool = False,
) -> Offered:
    """Offer a global model that is kept here, by default the newest. The same terms give the same file.

    A new offer replaces an older one of the same model, whose queries are no longer answered. Images that
    were answered before still count, each as much as an image tells under the offer of this model that tells
    most: the limit that is set unasked holds for all answers, on whatever terms they were given.

    :param model: the beginning of its fingerprint.
    :param owners: so many members offer this model; the limit that is set unasked is divided by it.
    :param force: replace a file that stands where the offer goes.
    :raises UsageError: the terms or ``owners`` are out of range, no limit is given where a single image tells
        more than a tenth of the model, or ``model`` is no fingerprint, or that of several models.
    :raises RefusedError: the model is no linear probe, or its scores are too large.
    :raises WorkspaceError: there is no such model, or this is a trustee's workspace.
    """
    workspace.require(("hospital", "coordinator"), "infer offer")
    check_fingerprint(model)
    _check_terms(terms)
    if not 1 <= owners <= MAX_OWNERS:
        raise UsageError(f"--owners takes 1 to {MAX_OWNERS}", reason="offer.owners-out-of-range")
    with workspace.locked(), State(workspace.state_path) as state:
        own = public_keys(workspace)
        found = find_model(workspace, state, model)
        head = head_of(found)
        classes, features = head.weights.shape
        score_range = head.score_range(terms)
        offers = _own_offers(workspace, state, found.digest, own.fingerprint)
        leak = _largest_leak(Leak(features, classes, terms.decimals, score_range), offers)
        terms = replace(terms, limit=_limit(leak, owners) if terms.limit is None else terms.limit)
        newest = offers[-1] if offers and offers[-1].header.parameters == ID else None
        again = newest is not None and newest.header.terms == terms
        if newest is not None and again:
            digest, header = newest.digest, newest.header
            data = offer_bytes(workspace, digest)
        else:
            given = _Given(workspace.config.name, found, terms, score_range)
            data, header = _sign_offer(given, unlock(workspace, passphrase))
            digest = split(data).digest
            keep_offer(workspace, state, data, digest, header)
            delete_earlier_keys(workspace)
        path = workspace.root / "offers" / f"{workspace.config.name}-{digest[:8]}.offer"
        send(state, data, path, force=force)
        return Offered(path, digest, header, party_words(workspace.config.name, own), again, leak)


def _check_terms(terms: Terms) -> None:
    if terms.limit is not None and not 1 <= terms.limit <= MAX_LIMIT:
        raise UsageError(f"--limit takes 1 to {MAX_LIMIT:,} images", reason="offer.limit-out-of-range")
    if not 1 <= terms.decimals <= MAX_DECIMALS:
        raise UsageError(f"--decimals takes 1 to {MAX_DECIMALS}", reason="offer.decimals-out-of-range")


def _own_offers(workspace: Workspace, state: State, model: str, own: str) -> list[KeptOffer]:
    """The offers of a model that were made here, the newest last."""
    made = [kept.digest for kept in state.offers() if kept.owner == own and kept.model == model]
    return [load_offer(workspace, digest) for digest in made]


def _largest_leak(leak: Leak, offers: Sequence[KeptOffer]) -> Leak:
    """The one that tells most of an offer's leak and those of earlier offers of the same model.

    Offers of an earlier version's encryption are left out: there is no such bound for them.
    """
    layouts = [offer.header.layout for offer in offers if offer.header.parameters == ID]
    earlier = [replace(leak, decimals=layout.decimals, score_range=layout.score_range) for layout in layouts]
    return max([leak, *earlier], key=lambda each: each.answer_bits)


def _limit(leak: Leak, owners: int) -> int:
    limit = leak.limit(owners)
    if limit is None:
        raise UsageError(
            "one image already tells more than this owner's share of a tenth of the model, so there is no "
            "limit by default",
            reason="offer.no-default-limit",
            advice="Choose fewer --decimals, or type --limit N if that is what you want",
        )
    return limit


@dataclass(frozen=True)
class _Given:
    """What an offer is made of: the owner's name, the model, the terms, and the range of its scores."""

    name: str
    model: GlobalModel
    terms: Terms
    score_range: int


def _sign_offer(given: _Given, identity: Identity) -> tuple[bytes, OfferHeader]:
    """The whole file, and its header."""
    model, terms = given.model, given.terms
    body = pack({"centre": model.tensors["centre"]})
    constants = model.header.constants
    features = (*(("extractor-files",) if model.header.extractor_file else ()), FEATURE)
    header = OfferHeader.model_validate(
        {
            "format": 2,
            "features": features,
            "parameters": ID,
            "study": model.header.study,
            "round": model.header.round,
            "sender": identity.public().fingerprint,
            "body": Body(length=len(body), sha256=hashlib.sha256(body).hexdigest()),
            "created": now(),
            "software": SOFTWARE,
            "owner": identity.public(),
            "owner_name": given.name,
            "model": model.digest,
            "extractor": model.header.extractor,
            "extractor_file": model.header.extractor_file,
            "classes": model.header.classes,
            "feature_dim": constants["feature_dim"],
            "feature_radius": constants["feature_radius"],
            "limit": terms.limit,
            "decimals": terms.decimals,
            "top1": terms.top1,
            "mixing_seed": os.urandom(SEED_BYTES).hex(),
            "score_range": given.score_range,
        }
    )
    return seal_header(header, identity.signing, header.sender) + body, header
