"""Who takes part in a further stage: a keyholder that is gone is replaced by a new trustee."""

from __future__ import annotations

from typing import Any

from committed_round import FORM
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from exchange_samples import STAMP, Hospital, Study
from forged_files import refused

from privxray.exchange.admission.repeating.admit_repeat import admit_repeat
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.repeats import Repeats, Same
from privxray.formats.container import split
from privxray.formats.features import carried_out
from privxray.keys.card import CardHeader, CardParts, read_card, write_card
from privxray.keys.mask_statement import MaskStatement, state_mask_key
from privxray.keys.sealing_keys import SealingKey
from privxray.keys.unsealing_statement import UnsealingStatement
from privxray.workflow.coordinator.planning.next_parties import NextKeys, carry_on
from privxray.workflow.coordinator.planning.older_cards import given_up_for
from privxray.workflow.coordinator.planning.plan_terms import Terms

FORM_6: dict[str, Any] = FORM | {"features": ("commitments", "repeats", "repeats-without")}


def card(trustee: Hospital, **changes: Any) -> CardHeader:
    parts = CardParts(trustee.name, None, trustee.unsealing_statement(), **changes)
    return read_card(split(write_card(trustee.identity, parts, STAMP)))


def stated(study: Study) -> NextKeys:
    """A fresh key of everybody."""

    def mask(one: Hospital) -> MaskStatement:
        return state_mask_key(X25519PrivateKey.generate(), "pneumonia", 2, one.identity.signing)

    def unsealing(one: Hospital) -> UnsealingStatement:
        fresh = SealingKey.generate().public()
        return UnsealingStatement.sign(fresh, "pneumonia", 2, one.identity.signing)

    return NextKeys(
        {one.fingerprint: mask(one) for one in study.hospitals},
        {one.fingerprint: unsealing(one) for one in study.trustees},
    )


def repeated(study: Study, gone: int) -> PlanHeader:
    """A plan that repeats the study's round, with so many keyholders replaced by new trustees."""
    new = [Hospital(f"newcomer-{number}") for number in range(gone)]
    without = [one.name for one in study.trustees[:gone]]
    cards = [card(one) for one in new]
    parties = carry_on(cards, study.plan, stated(study), without, study.coordinator.public())
    same = (Same(party=study.hospitals[0].fingerprint, commitment="AAAA"),)
    repeats = Repeats(plan=study.signed().digest, same=same)
    fields = {"round": 2, "roster": parties.roster, "committee": parties.committee, "repeats": repeats}
    plan = study.make_plan(**(FORM_6 | fields))
    plan.verify()
    assert parties.committee is not None
    assert [parties.committee.seat(one.fingerprint) for one in new] == [
        len(study.trustees) - gone + place for place in range(1, gone + 1)
    ]
    return plan


def test_of_five_keyholders_one_can_be_replaced_in_a_repetition() -> None:
    study = Study(5, 5, **FORM_6)
    plan = repeated(study, 1)
    assert plan.roster.version == 2
    admit_repeat(plan, study.signed())
    with refused("repeat.other-keyholders"):
        admit_repeat(repeated(study, 2), study.signed())


def test_of_four_keyholders_none_can_be() -> None:
    study = Study(5, 4, **FORM_6)
    admit_repeat(repeated(study, 0), study.signed())
    with refused("repeat.other-keyholders"):
        admit_repeat(repeated(study, 1), study.signed())


def test_the_feature_is_taken_where_every_version_has_it() -> None:
    """So an older version refuses nothing, and its study can be repeated as it could before."""
    new, old = card(Hospital("new")), card(Hospital("old"), can=("commitments", "repeats"))
    assert "repeats-without" in Terms().features([new])
    assert "repeats-without" in Terms(commitments=True).features([new])
    assert "repeats-without" not in Terms(commitments=False).features([new])
    for terms in (Terms(), Terms(commitments=True)):
        asked = terms.features([new, old])
        assert "repeats" in asked
        assert "repeats-without" not in asked


def test_whose_card_takes_proofs_of_bounds_from_all_is_told() -> None:
    """A hospital whose software is altered could have its card say so."""
    able = tuple(name for name in carried_out() if name != "bound-proofs")
    new, old = card(Hospital("new")), card(Hospital("old"), can=able)
    assert given_up_for([new, new], Terms()) == ()
    for terms in (Terms(), Terms(commitments=True)):
        (told,) = given_up_for([new, old], terms)
        assert told.startswith("by the card of old, the version there lacks bound-proofs, so")
    assert given_up_for([new, old], Terms(commitments=False)) == ()
    assert given_up_for([new, old], Terms(method="dp-sgd")) == ()
    assert (
        "of old and of old, the version there lacks commitments and bound-proofs"
        in (given_up_for([old, new, card(Hospital("old"), can=())], Terms())[0])
    )
