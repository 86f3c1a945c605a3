"""A hospital reads an answer to its query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from privxray.errors import RefusedError
from privxray.exchange.admission.admit import expect
from privxray.exchange.intake import take_in
from privxray.inference import admit_inference, wire
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.inference.sealed_body import open_body
from privxray.keys.identity import Identity
from privxray.workflow.common.session import Passphrase, unlock
from privxray.workflow.inference.client_keys import open_names, own_keys
from privxray.workflow.inference.trust import check_fingerprint, load_offer, matches
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
        answer = admit_inference.admit_answer(received.envelope, query, row.digest, offered.header)
        received.check_body(answer.body)
        identity = unlock(workspace, passphrase)
        plain = open_body(answer, row.digest, received.pieces(), identity)
        scores = _decrypt(workspace, identity, offered.header, query, plain)
        with state.transaction():
            state.settle(row.digest, query.recipients[0], query.evaluation_keys)
        return _reading(answer, query, offered.header, scores, open_names(identity, row), model)


def _reading(
    answer: AnswerHeader,
    query: QueryHeader,
    offer: OfferHeader,
    scores: NDArray[np.float64],
    paths: Sequence[str],
    wanted: str | None,
) -> Reading:
    from privxray.learning.method import softmax

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


def _decrypt(
    workspace: Workspace, identity: Identity, offer: OfferHeader, query: QueryHeader, plain: bytes
) -> NDArray[np.float64]:
    from privxray.inference.client import Client
    from privxray.inference.owner import answer_noise

    layout = offer.layout
    answers = wire.read_answers(plain, query.images, layout.results)
    keys, scheme = own_keys(workspace, identity, offer.feature_dim, make=False)
    return Client(scheme, keys.secret).decrypt(answers, layout, answer_noise(offer.decimals))
