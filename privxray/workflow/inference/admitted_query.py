"""A query that the model owner may answer: by which rules, for which offer, and how many images are left."""

from __future__ import annotations

from dataclasses import dataclass

from privxray.errors import RefusedError
from privxray.exchange.intake import Received
from privxray.formats.header import Digest, Fingerprint
from privxray.inference import admit_inference
from privxray.inference.headers import OfferHeader, QueryHeader
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.custody.revoked import keys_of_one_party
from privxray.workflow.inference.kept_offers import load_offer
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State


@dataclass(frozen=True)
class AdmittedQuery:
    """A query that the rules accept, the offer that it is for, and its file."""

    query: QueryHeader
    offer: OfferHeader
    file: Received

    @property
    def digest(self) -> Digest:
        """SHA-256 of the query's signed header."""
        return self.file.envelope.digest

    def left_after(self, state: State) -> int:
        """How many images the hospital may still ask about once this query is answered.

        What it asked under keys that it has given up for this one counts.

        :raises RefusedError: it asks about more than are left.
        """
        query, limit = self.query, self.offer.limit
        keys = keys_of_one_party(state, query.sender)
        left = limit - sum(state.answered_images(key, query.model) for key in keys)
        if query.images > left:
            raise RefusedError(
                f"this query asks about {query.images} images, and {query.hospital_name} has {max(left, 0)} "
                f"of {limit} left; nothing was answered or counted",
                reason="query.limit-used-up",
                advice="Let the hospital ask about fewer images, or make a new offer with a higher --limit",
            )
        return left - query.images


def admitted_query(workspace: Workspace, state: State, received: Received) -> AdmittedQuery:
    """What a file says, if it is a query to this owner. Whether its hospital is trusted is not looked at.

    :raises IdentityError: someone other than the hospital signed it.
    :raises MalformedError: it is no query, damaged, or contradicts itself.
    :raises RefusedError: it is for another owner, for no offer of ours or one that was replaced, or does not
        fit its offer.
    """
    own = public_keys(workspace)
    query = admit_inference.admit_query(received.envelope, own)
    offer = _offer_of(workspace, state, query, own.fingerprint)
    admit_inference.admit_query_to(query, offer)
    received.check_body(query.body)
    return AdmittedQuery(query, offer, received)


def _offer_of(workspace: Workspace, state: State, query: QueryHeader, own: Fingerprint) -> OfferHeader:
    """The offer that a query is for: one of ours, and the newest of its model."""
    offers = [kept for kept in state.offers() if kept.owner == own]
    named = next((kept for kept in offers if kept.digest == query.offer), None)
    if named is None:
        raise RefusedError(
            "this query is for an offer that was not made here",
            reason="query.unknown-offer",
            advice="Check that this is the workspace that made the offer",
        )
    newest = [kept for kept in offers if kept.model == named.model][-1]
    if newest != named:
        raise RefusedError(
            "this query is for an offer that you have replaced",
            reason="query.replaced-offer",
            advice=f"Send the newer one: offers/{workspace.config.name}-{newest.digest[:8]}.offer",
        )
    return load_offer(workspace, named.digest).header
