"""Which form of files a study has: the highest format that the versions of all its parties read.

Cards say what their makers' versions read and carry out (docs/SPEC-2.md, section 2). So a study of mixed
versions is settled, or refused by name, before anybody has trained.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from privxray.errors import RefusedError
from privxray.formats.container import READS
from privxray.formats.features import SIZES, SUCCESSION, Form
from privxray.keys.card import CardHeader


def agreed_form(cards: Sequence[CardHeader], asked: Collection[str] = ()) -> Form:
    """The form of a study of the parties of these cards.

    ``sizes`` is taken where every hospital states its size, ``succession`` where a party states a recovery
    key and every version carries it out.

    :param asked: features that the coordinator asked for.
    :raises RefusedError: the cards have no format in common, or one of them lacks a feature that was asked
        for; it names the party and what it lacks.
    """
    common = [one for one in READS if all(one in (card.formats or (1,)) for card in cards)]
    if not common:
        old = ", ".join(card.name for card in cards if READS[-1] not in (card.formats or (1,)))
        raise RefusedError(
            f"these cards have no format of files in common; of an older version: {old}",
            reason="plan.no-common-format",
            advice="Ask the parties to install one version of privxray, and for fresh cards: privxray card",
        )
    stated = common[-1] > 1 and all(card.size for card in cards if card.role == "hospital")
    recoverable = any(card.recovery for card in cards) and SUCCESSION in common_features(cards)
    besides = [*([SIZES] if stated else []), *([SUCCESSION] if recoverable and common[-1] > 1 else [])]
    form = Form(common[-1], tuple(sorted({*asked, *besides})))
    expect_reads(cards, form)
    return form


def common_features(cards: Sequence[CardHeader]) -> frozenset[str]:
    """The features that the versions of all these parties carry out."""
    return frozenset.intersection(*(frozenset(card.can or ()) for card in cards)) if cards else frozenset()


def expect_reads(cards: Sequence[CardHeader], form: Form) -> None:
    """Check that each of these parties has a version that reads files of this form.

    :raises RefusedError: one has not.
    """
    lacking = {card.name: card.lacks(form) for card in cards}
    if form.format == 1 and form.features:
        lacking = {card.name: ("format 2",) for card in cards if not card.formats}
    told = "; ".join(f"{name} lacks {', '.join(lacks)}" for name, lacks in lacking.items() if lacks)
    if told:
        raise RefusedError(
            f"not every party's version of privxray can take part: {told}",
            reason="plan.version-lacks",
            advice="Ask for a card that a newer version made (privxray card), or plan without it",
        )
