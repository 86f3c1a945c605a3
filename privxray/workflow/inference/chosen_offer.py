"""Which offer a hospital asks: one that it takes in now, or one that it took in before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import RefusedError, UsageError, WorkspaceError
from privxray.exchange.intake import take_in
from privxray.inference import admit_inference
from privxray.inference.headers import OfferHeader
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.custody.revoked import expect_not_revoked
from privxray.workflow.inference.fingerprints import matches
from privxray.workflow.inference.kept_offers import KeptOffer, keep_offer, load_offer
from privxray.workflow.inference.trust import Prompts, ensure_trusted
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State


@dataclass(frozen=True)
class OfferChoice:
    """Which offer a hospital asks.

    :ivar file: an offer to take in first; None for one that was taken in before.
    :ivar model: the beginning of the model's fingerprint; None for whichever model is offered.
    """

    file: Path | None = None
    model: str | None = None


def chosen_offer(workspace: Workspace, state: State, choice: OfferChoice, prompts: Prompts) -> KeptOffer:
    """The offer that is meant, as it is kept here.

    :raises MalformedError: its file is no offer, or damaged.
    :raises IdentityError: someone other than the owner signed it, or the owner's key words are wrong.
    :raises RefusedError: it was made here, is of another model, or wants another feature extractor.
    :raises WorkspaceError: none was taken in yet, or none of this model.
    :raises UsageError: offers of several models were taken in.
    """
    if choice.file is None:
        return _pick_offer(workspace, state, choice.model)
    with take_in(choice.file, workspace.inbox) as received:
        header = admit_inference.admit_offer(received.envelope)
        received.check_body(header.body)
        body = received.body()
        admit_inference.read_centre(header, body)
        if header.sender == public_keys(workspace).fingerprint:
            raise RefusedError(
                "you made this offer yourself, and you have the model",
                reason="offer.own",
                advice="Type: privxray predict IMAGE...",
            )
        if not matches(header.model, choice.model):
            raise RefusedError(
                f"this offer is of another model: {header.model[:16]}",
                reason="offer.other-model",
                advice="Check the file, or type the fingerprint of its model",
            )
        _check_extractor(workspace, header)
        ensure_trusted(workspace, state, header.owner_name, header.owner, prompts.words)
        digest = received.envelope.digest
        keep_offer(workspace, state, received.path.read_bytes(), digest, header)
        return KeptOffer(digest, header, body)


def _pick_offer(workspace: Workspace, state: State, model: str | None) -> KeptOffer:
    """The newest offer of the one model that is meant, among those taken in before."""
    own = public_keys(workspace).fingerprint
    offers = [kept for kept in state.offers() if kept.owner != own and matches(kept.model, model)]
    if not offers:
        raise WorkspaceError(
            "no offer was taken in yet" if model is None else "no offer of this model was taken in yet",
            reason="offer.none-yet" if model is None else "offer.none-of-this-model",
            file=workspace.root,
            advice="Type: privxray infer ask IMAGE... --offer FILE",
        )
    if len({(kept.owner, kept.model) for kept in offers}) > 1:
        listed = ", ".join(dict.fromkeys(kept.model[:16] for kept in offers))
        raise UsageError(
            f"several offers were taken in ({listed})",
            reason="offer.several",
            advice="Pick a model with --model, or name the file with --offer",
        )
    chosen = load_offer(workspace, offers[-1].digest)
    admit_inference.expect_current_offer(chosen.header)
    expect_not_revoked(state, chosen.header.sender)
    _check_extractor(workspace, chosen.header)
    return chosen


def _check_extractor(workspace: Workspace, offer: OfferHeader) -> None:
    from privxray.workflow.common.method_inputs import InputForm

    form = InputForm(offer.feature_dim, offer.features_by, workspace.extractors)
    if not form.is_known():
        raise RefusedError(
            "this offer needs a different feature extractor from the one in this version of privxray",
            reason="offer.other-extractor",
            advice="Install the version that the owner uses (`privxray inspect FILE` names it)",
        )
    form.require_here()
