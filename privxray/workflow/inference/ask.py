"""``infer ask``: a hospital encrypts features of its images, as a query to the owner of an offer.

What leaves is features under a key of this one query, sealed to the owner and signed. Which image stands
where in the query, and the secret that opens the answer, are remembered in ``state.db``, sealed under the
passphrase, and nowhere else.
"""

from __future__ import annotations

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
from privxray.workflow.inference.hospital_secrets import QuerySecrets, delete_earlier_keys, seal_secrets
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


def make_query(
    workspace: Workspace,
    paths: Sequence[Path],
    prompts: Prompts,
    choice: OfferChoice,
    *,
    folder: Path | None = None,
) -> Query:
    """Encrypt images' features for the owner of an offer.

    :param paths: 1 to 256 DICOM, JPEG or PNG files.
    :param folder: where the query goes; by default ``queries``.
    :raises UsageError: too many images for one query or for the offer, or no single offer is meant.
    :raises WorkspaceError: not a hospital's workspace, or no offer was taken in.
    :raises IdentityError: the owner's key words are wrong, or its signature.
    :raises RefusedError: the offer is one's own, of another model, or for another feature extractor.
    :raises MalformedError: an image does not decode, or the offer is damaged.
    """
    from privxray.inference import hospital_side

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
        asking = hospital_side.ask(features, offer.header.layout, offer.header.seed)
        plain = asking.question.to_bytes()
        data = _sign_query(workspace.config.name, identity, offer, plain, len(paths))
        envelope = split(data)
        secrets = QuerySecrets(tuple(map(str, paths)), asking.secret)
        with state.transaction():
            sealed = seal_secrets(identity, envelope.digest, secrets)
            number = state.add_asked(envelope.digest, envelope.payload.decode(), sealed)
        delete_earlier_keys(workspace)
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


def _sign_query(name: str, identity: Identity, offered: KeptOffer, plain: bytes, images: int) -> bytes:
    """The whole file."""
    own, offer = identity.public(), offered.header
    body, sealed = seal_body(
        "query",
        [plain],
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
        images=images,
    )
    return seal_header(header, identity.signing, header.sender) + sealed
