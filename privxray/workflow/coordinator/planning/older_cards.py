"""What all hospitals of a study lose because one card says that its maker's version lacks it.

A hospital with altered software can have its card say so, and then keeps to no bound that others check. So
the coordinator is told whose card it is. A feature that was asked for by name is refused instead
(:mod:`.agreed_form`).

Tested in tests/cli/test_mixed_versions.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from privxray.formats.features import BOUND_PROOFS, carried_out
from privxray.keys.card import CardHeader
from privxray.workflow.coordinator.planning.plan_terms import Terms

_TOLD = {
    "commitments": "that the model is made of what the hospitals sent",
    BOUND_PROOFS: "that each hospital keeps to the plan's bounds",
}
"""The features that show a wrong file of a hospital or of the coordinator: what nobody can check without."""


def given_up_for(cards: Sequence[CardHeader], terms: Terms) -> tuple[str, ...]:
    """A warning if these terms would have commitments or proofs of bounds, but for some of the cards."""
    given_up = terms.features_among(frozenset(carried_out())) - terms.features(cards)
    lost = [name for name in _TOLD if name in given_up]
    if not lost:
        return ()
    names = [card.name for card in cards if not set(lost) <= set(card.can or ())]
    return (
        f"by the card of {' and of '.join(names)}, the version there lacks {' and '.join(lost)}, so no "
        f"party can check {' or '.join(_TOLD[name] for name in lost)}. If a newer version can be used "
        "there, ask every party for a fresh card (privxray card), and type the same command with --replace",
    )
