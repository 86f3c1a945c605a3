"""``infer ask``: a hospital encrypts features of its images, as a query to the owner of an offer.

What leaves is features under the hospital's own CKKS key, sealed to the owner and signed. Which image stands
where in the query is remembered in ``state.db``, sealed under the passphrase, and nowhere else.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.errors import UsageError
from privxray.formats.container import seal_header, split
from privxray.inference import admit_inference, parameters
from privxray.inference.headers import OfferHeader, QueryHeader
from privxray.keys.identity import Identity
from privxray.keys.key_words import party_words
from privxray.keys.sealed_body import seal_body
from privxray.naming.public_names import public_names
from privxray.workflow.common.deliver import chosen_folder
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import SOFTWARE, now
from privxray.workflow.inference.chosen_offer import OfferChoice, chosen_offer
from privxray.workflow.inference.fingerprints import check_fingerprint
from privxray.workflow.inference.hospital_secrets import ensure_keys, seal_names
from privxray.workflow.inference.kept_offers import KeptOffer
from privxray.workflow.inference.trust import Prompts
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Query:
    """A query that is ready to be carried.

    :ivar size: of the file, in bytes.
    :ivar key_words: this hospital's own, to be read out by phone.
    :ivar seconds: that the computation took.
    """

    path: Path
    header: QueryHeader
    offer: OfferHeader
    size: int
    key_words: str
    seconds: float


@dataclass(frozen=True)
class _Content:
    """What goes into a query: ``plain`` is its body before it is sealed, ``keys`` a fingerprint."""

    plain: bytes
    images: int
    keys: str
    with_keys: bool


def make_query(
    workspace: Workspace,
    paths: Sequence[Path],
    prompts: Prompts,
    choice: OfferChoice,
    *,
    with_keys: bool = False,
    folder: Path | None = None,
) -> Query:
    """Encrypt images' features for the owner of an offer.

    :param paths: 1 to 256 DICOM, JPEG or PNG files.
    :param with_keys: send the evaluation keys even if the owner is known to hold them.
    :param folder: where the query goes; by default ``queries``.
    :raises UsageError: too many images for one query or for the offer, or no single offer is meant.
    :raises WorkspaceError: not a hospital's workspace, or no offer was taken in.
    :raises IdentityError: the owner's key words are wrong, or its signature.
    :raises RefusedError: the offer is one's own, of another model, or for another feature extractor.
    :raises MalformedError: an image does not decode, or the offer is damaged.
    """
    workspace.require("hospital", "infer ask")
    check_fingerprint(choice.model)
    if not 1 <= len(paths) <= parameters.MAX_IMAGES:
        raise UsageError(
            f"a query holds 1 to {parameters.MAX_IMAGES} images, and you named {len(paths)}",
            reason="query.image-count",
            advice="Ask about the others in another query",
        )
    folder = chosen_folder(folder, workspace.root / "queries")
    with workspace.locked(), State(workspace.state_path) as state:
        offer = chosen_offer(workspace, state, choice, prompts)
        if len(paths) > offer.header.limit:
            raise UsageError(
                f"this offer answers {offer.header.limit} images of a hospital, and you named {len(paths)}",
                reason="query.larger-than-limit",
                advice="Ask about fewer images, or ask the owner for an offer with a higher limit",
            )
        started = time.perf_counter()
        identity = unlock(workspace, prompts.passphrase)
        features = _features(workspace, offer, paths)
        content = _encrypt(workspace, state, identity, offer.header, features, with_keys)
        data = _sign_query(workspace.config.name, identity, offer, content)
        envelope = split(data)
        names = seal_names(identity, envelope.digest, [str(path) for path in paths])
        with state.transaction():
            number = state.add_asked(envelope.digest, envelope.payload.decode(), names)
        target = folder / f"{workspace.config.name}-{number:04d}.query"
        send(state, data, target)
        words = party_words(workspace.config.name, identity.public())
        seconds = time.perf_counter() - started
        return Query(target, envelope.claim(QueryHeader), offer.header, len(data), words, seconds)


def _features(workspace: Workspace, offer: KeptOffer, paths: Sequence[Path]) -> NDArray[np.float64]:
    """[N, D] features, centred and clipped as the offered model wants them."""
    from privxray.learning.linear_probe.probe_queries import centred_features
    from privxray.workflow.common.method_inputs import InputForm, image_inputs

    form = InputForm(offer.header.feature_dim, offer.header.features_by, workspace.extractors)
    inputs = image_inputs(paths, public_names(paths), form)
    centre = admit_inference.read_centre(offer.header, offer.body)
    return centred_features(inputs, centre, offer.header.feature_radius)


def _encrypt(
    workspace: Workspace,
    state: State,
    identity: Identity,
    offer: OfferHeader,
    features: NDArray[np.float64],
    with_keys: bool,
) -> _Content:
    """The features, encrypted; before them the evaluation keys, if the owner is not known to hold them."""
    from privxray.inference.hospital_side import HospitalCipher
    from privxray.inference.scheme import Scheme

    scheme = Scheme()
    keys = ensure_keys(workspace, identity, scheme, offer.feature_dim)
    fingerprint = hashlib.sha256(keys.evaluation).hexdigest()
    send = with_keys or state.holds_keys(offer.sender) != fingerprint
    encrypted = HospitalCipher(scheme, keys.secret).encrypt(features, offer.layout)
    plain = keys.evaluation + encrypted if send else encrypted
    return _Content(plain, len(features), fingerprint, send)


def _sign_query(name: str, identity: Identity, offered: KeptOffer, content: _Content) -> bytes:
    """The whole file."""
    own, offer = identity.public(), offered.header
    body, sealed = seal_body(
        "query",
        [content.plain],
        sender=own.fingerprint,
        recipient=offer.owner,
        study=offer.study,
        about=offered.digest,
    )
    form = offer.form.of_kind("query")
    header = QueryHeader(
        format=form.format,
        features=form.features,
        parameters=offer.parameters,
        study=offer.study,
        round=offer.round,
        sender=own.fingerprint,
        recipients=(offer.sender,),
        body=body,
        created=now(),
        software=SOFTWARE,
        hospital=own,
        hospital_name=name,
        offer=offered.digest,
        model=offer.model,
        images=content.images,
        evaluation_keys=content.keys,
        with_keys=content.with_keys,
    )
    return seal_header(header, identity.signing, header.sender) + sealed
