"""Keys: sealing, keys for one round, rosters and key words."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from forged_files import refused
from hypothesis import given
from hypothesis import strategies as st

from privxray.formats import canonical
from privxray.formats.container import split
from privxray.formats.header import Stamp
from privxray.keys import sealing_keys
from privxray.keys.card import CardParts, read_card, write_card
from privxray.keys.identity import Identity, PublicKeys
from privxray.keys.key_words import party_words, same_words, slip_in
from privxray.keys.mask_statement import MaskStatement, state_mask_key
from privxray.keys.points import is_ed25519
from privxray.keys.roster import Member, Roster, Trustee
from privxray.keys.sealing_keys import SealingKey
from privxray.keys.unsealing_statement import UnsealingStatement


def test_an_identity_survives_being_stored() -> None:
    identity = Identity.generate()
    again = Identity.from_secret(identity.secret())
    assert again.public() == identity.public()
    assert again.open(identity.public().seal(b"key", b"info"), b"info") == b"key"


def test_sealing_is_bound_to_recipient_and_info() -> None:
    identity = Identity.generate()
    sealed = identity.public().seal(b"key", b"this round")
    with refused("seal.other-key"):
        identity.open(sealed, b"another round")
    with refused("seal.other-key"):
        Identity.generate().open(sealed, b"this round")
    with refused("seal.other-key"):
        identity.open(sealed[:-1], b"this round")
    with refused("seal.other-key"):
        identity.open(b"", b"this round")


def test_storage_keys_differ_by_purpose() -> None:
    identity = Identity.generate()
    assert identity.storage_key("a") != identity.storage_key("b")
    assert len(identity.storage_key("a")) == 32


def statement(identity: Identity, study: str | None = None, number: int = 1) -> MaskStatement:
    return state_mask_key(X25519PrivateKey.generate(), study, number, identity.signing)


def test_a_mask_statement_is_its_owners_and_as_it_was_made() -> None:
    owner, other = Identity.generate(), Identity.generate()
    stated = statement(owner, "pneumonia", 3)
    stated.verify(owner.public())
    with refused("statement.not-its-owners") as told:
        stated.verify(other.public())
    assert "a mask key is not signed by its owner" in str(told.value)
    for change in ({"study": None}, {"study": "another"}, {"number": 4}, {"key": statement(owner).key}):
        with refused("statement.not-its-owners"):
            stated.model_copy(update=change).verify(owner.public())


@pytest.mark.parametrize(
    "value", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18, 2**255 - 1, 2**255, 2**256 - 1,
              325606250916557431795983626356110631294008115727848805560023387167927233504,
              39382357235489614581723060781553021112529911719440698176882885853963445705823]
)  # fmt: skip
def test_small_order_and_non_canonical_mask_keys_are_refused_even_when_signed(value: int) -> None:
    owner = Identity.generate()
    stated = MaskStatement(
        study=None, number=1, key=canonical.to_base64(value.to_bytes(32, "little")), signature=""
    )
    signed = stated.model_copy(
        update={"signature": canonical.to_base64(owner.signing.sign(stated.signed_bytes()))}
    )
    with refused("mask-key.weak"):
        signed.verify(owner.public())


def test_a_statement_is_of_a_key_and_signed_by_its_owner_alone() -> None:
    owner, other = Identity.generate(), Identity.generate()
    unsealing = UnsealingStatement.sign(SealingKey.generate().public(), None, 1, owner.signing)
    unsealing.verify(owner.public())
    with refused("statement.not-its-owners") as told:
        unsealing.verify(other.public())
    assert "an unsealing key is not signed by its owner" in str(told.value)
    for signature in ("", "=", canonical.to_base64(bytes(63)), canonical.to_base64(bytes(65))):
        with refused("statement.signature-base64"):
            unsealing.model_copy(update={"signature": signature}).verify(owner.public())
    mask = statement(owner)
    for kind, key, reason in (
        (MaskStatement, canonical.to_base64(bytes(31)), "mask-key.base64"),
        (MaskStatement, canonical.to_base64(bytes(33)), "mask-key.base64"),
        (UnsealingStatement, mask.key, "sealing-key.base64"),
    ):
        with refused(reason):
            kind.sign(key, None, 1, owner.signing).verify(owner.public())
    as_another_kind = UnsealingStatement(**mask.model_dump())
    with refused("statement.not-its-owners"):  # a signature covers what kind of key it is under
        as_another_kind.verify(owner.public())


def test_which_key_may_follow_another() -> None:
    owner = Identity.generate()
    third = statement(owner, "pneumonia", 3)
    assert third.succeeds(None, "pneumonia")
    assert third.succeeds(statement(owner, "pneumonia", 2), "pneumonia")
    assert statement(owner, None, 3).succeeds(statement(owner, None, 2), "pneumonia")
    assert not third.succeeds(statement(owner, "pneumonia", 3), "pneumonia")
    assert not third.succeeds(statement(owner, "pneumonia", 4), "pneumonia")
    assert not third.succeeds(None, "cardiology")


P = 2**255 - 19
Y8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022


def test_the_points_of_small_order_are_those_that_double_to_the_neutral_point() -> None:
    """y of 2P is (y^2 + x^2) / (1 - d x^2 y^2) with x^2 = (y^2 - 1) / (d y^2 + 1) (RFC 8032, section 5.1.4).
    Three doublings make y = 1 of what is of order 8 or less."""
    d = -121665 * pow(121666, -1, P)

    def doubled(y: int) -> int:
        x2 = (y * y - 1) * pow(d * y * y + 1, -1, P)
        return (y * y + x2) * pow(1 - d * x2 * y * y, -1, P) % P

    for y in (0, 1, P - 1, Y8, P - Y8):
        assert doubled(doubled(doubled(y))) == 1
        assert not is_ed25519(y.to_bytes(32, "little"))
    base = 4 * pow(5, -1, P) % P
    assert doubled(doubled(doubled(base))) != 1
    assert is_ed25519(base.to_bytes(32, "little"))


@pytest.mark.parametrize("y", [0, 1, P - 1, P, P + 1, Y8, P - Y8, 2**255 - 1])
@pytest.mark.parametrize("sign", [0, 1 << 255])
def test_a_signing_key_by_which_anybody_could_sign_is_none(y: int, sign: int) -> None:
    good = Identity.generate().public()
    weak = good.model_copy(update={"signing": canonical.to_base64((y | sign).to_bytes(32, "little"))})
    with refused("signing-key.weak"):
        weak.verifier()


@given(st.binary(min_size=32, max_size=32))
def test_the_library_takes_any_other_signing_key(raw: bytes) -> None:
    """So reading one has no error of its own: 32 bytes are a key, or refused above."""
    if is_ed25519(raw):
        keys = PublicKeys(signing=canonical.to_base64(raw), sealing="")
        assert keys.verifier().public_bytes_raw() == raw


@pytest.mark.parametrize("signing", ["", "=", canonical.to_base64(bytes(31)), canonical.to_base64(bytes(33))])
def test_a_signing_key_has_32_bytes(signing: str) -> None:
    with refused("signing-key.base64"):
        PublicKeys(signing=signing, sealing="").verifier()


def test_one_signature_by_a_key_of_small_order_is_good_for_every_message() -> None:
    """Why such a key is refused: the library alone takes it, and this signature by nobody."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes((1).to_bytes(32, "little"))
    for message in (b"one plan", b"another plan"):
        key.verify((1).to_bytes(32, "little") + bytes(32), message)


@pytest.mark.parametrize(
    "u", [0, 1, P - 1, P, P + 9, 2**255 - 1, 2**255 + 9,
          325606250916557431795983626356110631294008115727848805560023387167927233504,
          39382357235489614581723060781553021112529911719440698176882885853963445705823]
)  # fmt: skip
def test_a_sealing_key_that_stops_whoever_seals_to_it_is_none(u: int) -> None:
    """Its ML-KEM half is good and its X25519 half gives zero, or is a second encoding of another key."""
    good = base64.b64decode(Identity.generate().public().sealing)
    weak = canonical.to_base64(good[:1184] + u.to_bytes(32, "little"))
    with refused("sealing-key.weak"):
        sealing_keys.parse(weak)
    owner = Identity.generate()
    with refused("sealing-key.weak"):
        UnsealingStatement.sign(weak, None, 1, owner.signing).verify(owner.public())


def test_a_sealing_key_is_one_of_mlkem_and_of_x25519() -> None:
    good = base64.b64decode(Identity.generate().public().sealing)
    with refused("sealing-key.not-mlkem"):
        sealing_keys.parse(canonical.to_base64(b"\xff" * 1152 + good[1152:]))
    for other in (good[:-1], good + b"\0", b""):
        with refused("sealing-key.base64"):
            sealing_keys.parse(canonical.to_base64(other))
    weak = PublicKeys(
        signing=canonical.to_base64((1).to_bytes(32, "little")), sealing=canonical.to_base64(good)
    )
    with refused("signing-key.weak"):
        weak.check()
    with refused("sealing-key.weak"):
        PublicKeys(signing=Identity.generate().public().signing,
                   sealing=canonical.to_base64(good[:1184] + bytes(32))).check()  # fmt: skip


def test_sealing_adds_as_many_bytes_as_is_said() -> None:
    sealed = sealing_keys.seal_to(SealingKey.generate().public(), b"twelve bytes", b"info")
    assert len(sealed) == 12 + sealing_keys.SEALED_OVERHEAD


def card(identity: Identity, name: str = "hospital-a", study: str | None = None) -> bytes:
    unsealing = UnsealingStatement.sign(SealingKey.generate().public(), study, 1, identity.signing)
    parts = CardParts(name, statement(identity, study), unsealing)
    return write_card(identity, parts, Stamp("2026-01-02T03:04:05Z", "privxray 0.1.0"))


def test_a_card_says_what_it_was_made_of() -> None:
    identity = Identity.generate()
    read = read_card(split(card(identity)))
    assert (read.name, read.keys) == ("hospital-a", identity.public())


def test_a_card_of_another_signer_is_refused() -> None:
    data = card(Identity.generate())
    other = Identity.generate()
    envelope = split(data)
    forged = replace(envelope, key_id=other.public().fingerprint)
    with refused("signature.other-signer"):
        read_card(forged)


def members(count: int = 3) -> list[Member]:
    identities = [Identity.generate() for _ in range(count)]
    return [
        Member(name=f"hospital-{place}", keys=identity.public(), mask=statement(identity))
        for place, identity in enumerate(identities)
    ]


def test_a_roster_of_three_different_hospitals_is_good() -> None:
    Roster(version=1, members=tuple(members())).verify("pneumonia")


def test_a_roster_of_two_is_refused() -> None:
    with refused("roster.too-few-hospitals"):
        Roster(version=1, members=tuple(members(2))).verify("pneumonia")


def test_a_mask_key_of_another_study_is_refused() -> None:
    three = members()
    identity = Identity.generate()
    stranger = Member(name="x", keys=identity.public(), mask=statement(identity, "cardiology"))
    with refused("roster.mask-key-of-other-study"):
        Roster(version=1, members=(*three, stranger)).verify("pneumonia")


@pytest.mark.parametrize("part", ["name", "signing", "sealing", "mask"])
def test_one_hospital_under_two_entries_is_refused(part: str) -> None:
    first, second, third = members()
    twin = {
        "name": second.model_copy(update={"name": first.name.upper()}),
        "signing": second.model_copy(
            update={"keys": PublicKeys(signing=first.keys.signing, sealing=second.keys.sealing)}
        ),
        "sealing": second.model_copy(
            update={"keys": PublicKeys(signing=second.keys.signing, sealing=first.keys.sealing)}
        ),
        "mask": second.model_copy(update={"mask": first.mask}),
    }[part]
    with refused({"name": "roster.name-twice"}.get(part, f"roster.{part}-key-twice")):
        Roster(version=1, members=(first, twin, third)).verify("pneumonia")


def test_key_words_stand_for_everything_but_the_mask_keys() -> None:
    coordinator, other = Identity.generate().public(), Identity.generate().public()
    roster = Roster(version=1, members=tuple(members()))
    words = roster.key_words("pneumonia", coordinator)
    assert len(words.split()) == 12
    assert [roster.known_hospital(m.keys.fingerprint) for m in roster.members] == list(roster.members)
    with pytest.raises(KeyError):
        roster.known_hospital(other.fingerprint)
    fresh = tuple(m.model_copy(update={"mask": statement(Identity.generate())}) for m in roster.members)
    reordered = Roster(version=1, members=tuple(reversed(fresh)))
    assert reordered.key_words("pneumonia", coordinator) == words
    first, *rest = roster.members
    different = [
        (roster, "cardiology", coordinator),
        (roster, "pneumonia", other),
        (roster, "pneumonia", coordinator.model_copy(update={"sealing": other.sealing})),
        (roster.model_copy(update={"version": 2}), "pneumonia", coordinator),
        (
            Roster(version=1, members=(first.model_copy(update={"name": "z"}), *rest)),
            "pneumonia",
            coordinator,
        ),
        (
            Roster(version=1, members=(first.model_copy(update={"keys": other}), *rest)),
            "pneumonia",
            coordinator,
        ),
    ]
    digests = {changed.digest(study, keys) for changed, study, keys in different}
    assert len(digests) == len(different)
    assert roster.digest("pneumonia", coordinator) not in digests


def test_key_words_are_compared_as_people_type_them() -> None:
    expected = "retreat fatigue candy"
    assert same_words("  1. Retreat, 2. FATIGUE\n3. candy ", expected)
    assert not same_words("retreat fatigue", expected)
    assert not same_words("retreat candy fatigue", expected)
    assert not same_words("", expected)


def test_key_words_of_a_party_stand_for_its_name_and_keys() -> None:
    keys, other = Identity.generate().public(), Identity.generate().public()
    words = party_words("clinic", keys)
    assert len(words.split()) == 12
    assert words == party_words("clinic", keys)
    different = {
        party_words("clinic-b", keys),
        party_words("clinic", keys.model_copy(update={"sealing": other.sealing})),
        party_words("clinic", keys.model_copy(update={"signing": other.signing})),
    }
    assert len(different) == 3
    assert words not in different


def test_who_is_in_a_roster() -> None:
    three = members()
    trustee = Trustee(name="notary", keys=Identity.generate().public())
    roster = Roster(version=1, members=tuple(three), trustees=(trustee,))
    assert roster.parties == (*three, trustee)
    assert roster.party(trustee.keys.fingerprint) == trustee
    assert roster.hospital(trustee.keys.fingerprint) is None
    assert roster.hospital(three[1].keys.fingerprint) == roster.party(three[1].keys.fingerprint) == three[1]
    assert roster.party(Identity.generate().public().fingerprint) is None


FIRST_TWELVE = "abandon ability able about above absent absorb abstract absurd abuse access accident"


@pytest.mark.parametrize(
    ("typed", "reason", "told"),
    [
        (FIRST_TWELVE.replace("about", "abouq"), "key-words.unknown-word", "'abouq' is no word of the list"),
        (FIRST_TWELVE.replace("abandon", "abandom"), "key-words.unknown-word", "did you mean 'abandon'"),
        (FIRST_TWELVE.replace("able", "acqress"), "key-words.unknown-word",
         "did you mean 'actress' or 'address'?"),
        (FIRST_TWELVE.replace("able", "zable"), "key-words.unknown-word",
         "did you mean 'table' or 'cable'?"),
        (FIRST_TWELVE.replace(" accident", ""), "key-words.count", "11 of 12 words"),
        (FIRST_TWELVE + " accident", "key-words.count", "13 of 12 words"),
        (FIRST_TWELVE.replace("able", "absent", 1).replace("absent absorb", "able absorb"),
         "key-words.swapped", "words 3 and 6 are swapped"),
    ],
)  # fmt: skip
def test_slips_of_the_keyboard_are_told(typed: str, reason: str, told: str) -> None:
    slip = slip_in(typed, FIRST_TWELVE)
    assert slip is not None
    assert slip.reason == reason
    assert told in slip.what


@pytest.mark.parametrize(
    "typed",
    ["zoo " * 12, FIRST_TWELVE.replace("able", "zoo", 1), FIRST_TWELVE.replace("able about", "zoo zone")],
)
def test_other_words_are_no_slip(typed: str) -> None:
    assert slip_in(typed, FIRST_TWELVE) is None
