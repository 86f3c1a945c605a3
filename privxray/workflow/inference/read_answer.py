"""``infer read``: a hospital decrypts the answer to its query."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.errors import RefusedError
from privxray.exchange.intake import take_in
from privxray.inference import admit_inference, wire
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.keys.sealed_body import open_body
from privxray.naming.public_names import public_names
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.custody.revoked import expect_not_revoked
from privxray.workflow.inference.fingerprints import check_fingerprint, matches
from privxray.workflow.inference.hospital_secrets import open_secrets
from privxray.workflow.inference.kept_offers import load_offer
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State
from privxray.workspace.state_tables.inference_tables import Asked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Reading:
    """What an answer says about N images and K classes.

    :ivar paths: the images as they were typed, for this hospital's eyes only.
    :ivar names: what they may be called in public.
    :ivar labels: the most probable class of each image.
    :ivar probabilities: [N, K], rounded to the offer's decimals; None for an offer of the most probable class
        alone.
    :ivar asked_model: the model that was expected to answer, or the beginning of its fingerprint.
    :ivar as_asked: false if another model answered.
    """

    header: AnswerHeader
    owner: str
    classes: tuple[str, ...]
    paths: tuple[str, ...]
    names: tuple[str, ...]
    labels: tuple[str, ...]
    probabilities: NDArray[np.float64] | None
    asked_model: str
    as_asked: bool


def read_answer(
    workspace: Workspace, path: Path, passphrase: Passphrase, *, model: str | None = None
) -> Reading:
    """Decrypt an answer. Reading it again gives the same.

    :param model: the beginning of the fingerprint that is expected; by default the model that was asked.
    :raises WorkspaceError: not a hospital's workspace.
    :raises IdentityError: the owner who was asked did not sign it.
    :raises RefusedError: it answers no query of this hospital, or on other terms.
    :raises MalformedError: it does not decrypt to class scores.
    """
    workspace.require("hospital", "infer read")
    check_fingerprint(model)
    with workspace.locked(), State(workspace.state_path) as state, take_in(path, workspace.inbox) as received:
        received.envelope.expect("answer")
        claimed = received.envelope.claim(AnswerHeader).query  # it selects a query; the rules then demand it
        row = _asked(state, claimed)
        query = QueryHeader.model_validate_json(row.header)
        offer = load_offer(workspace, query.offer).header
        answer = admit_inference.admit_answer(received.envelope, query, row.digest, offer)
        expect_not_revoked(state, answer.sender)
        received.check_body(answer.body)
        identity = unlock(workspace, passphrase)
        plain = b"".join(open_body(answer, row.digest, received.pieces(), identity))
        secrets = open_secrets(identity, row)
        scores = _decrypt(offer, plain, query.images, secrets.secret)
        with state.transaction():
            state.settle(row.digest)
    return _reading(answer, offer, scores, secrets.names, model or query.model)


def _asked(state: State, digest: str) -> Asked:
    """The query of this hospital that has this digest."""
    row = next((row for row in state.asked() if row.digest == digest), None)
    if row is None:
        raise RefusedError(
            "this answers a query that was not asked from here",
            reason="answer.unknown-query",
            advice="Go to the workspace that made the query, or name it with -C DIR",
        )
    return row


def _decrypt(offer: OfferHeader, plain: bytes, images: int, secret: bytes) -> NDArray[np.float64]:
    """The class scores, [N, K]."""
    from privxray.inference.hospital_side import decrypt

    answer = wire.read_answer(plain, offer.layout, images)
    return decrypt(answer, offer.layout, offer.terms.noise, secret)


def _reading(
    answer: AnswerHeader,
    offer: OfferHeader,
    scores: NDArray[np.float64],
    paths: tuple[str, ...],
    expected: str,
) -> Reading:
    from privxray.learning.interface import softmax

    return Reading(
        header=answer,
        owner=offer.owner_name,
        classes=offer.classes,
        paths=paths,
        names=tuple(public_names([Path(path) for path in paths])),
        labels=tuple(offer.classes[int(place)] for place in scores.argmax(axis=1)),
        probabilities=None if answer.top1 else softmax(scores).round(answer.decimals),
        asked_model=expected,
        as_asked=matches(answer.model, expected),
    )
