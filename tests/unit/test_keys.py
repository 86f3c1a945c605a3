"""Keys: passphrases, sealing, mask keys, rosters and key words."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from privxray.errors import IdentityError, MalformedError, PrivxrayError, RefusedError, WrongKeyError
from privxray.formats import canonical
from privxray.formats.container import split
from privxray.formats.header import Stamp
from privxray.keys import keyfile, sealing_keys
from privxray.keys.card import read_card, write_card
from privxray.keys.identity import Identity, PublicKeys
from privxray.keys.maskkey import MaskStatement, state_mask_key
from privxray.keys.points import is_ed25519
from privxray.keys.roster import Member, Roster, same_words
from privxray.keys.sealing_keys import SealingKey
from privxray.keys.unsealing import UnsealingStatement

CHEAP = 10  # log2 of scrypt's N: the format is the same, the guess is cheap


def test_a_keyfile_opens_with_its_passphrase_and_no_other() -> None:
    locked = keyfile.lock(b"secret", "correct horse", log_n=CHEAP)
    assert b"secret" not in locked
    assert keyfile.unlock(locked, "correct horse") == b"secret"
    with pytest.raises(WrongKeyError):
        keyfile.unlock(locked, "correct  horse")


def test_the_same_letters_typed_on_another_keyboard_are_the_same_passphrase() -> None:
    assert keyfile.unlock(keyfile.lock(b"s", "caf\u00e9", log_n=CHEAP), "cafe\u0301") == b"s"


def test_every_flipped_bit_of_a_keyfile_is_noticed() -> None:
    locked = keyfile.lock(b"secret", "pass", log_n=CHEAP)
    for place in range(len(locked)):
        altered = bytearray(locked)
        altered[place] ^= 1
        with pytest.raises(PrivxrayError):
            keyfile.unlock(bytes(altered), "pass")


def test_a_planted_keyfile_cannot_ask_for_all_memory() -> None:
    locked = keyfile.lock(b"secret", "pass", log_n=CHEAP).replace(b'"log_n":10', b'"log_n":30')
    with pytest.raises(MalformedError):
        keyfile.unlock(locked, "pass")


def test_an_identity_survives_being_stored() -> None:
    identity = Identity.generate()
    again = Identity.from_secret(identity.secret())
    assert again.public() == identity.public()
    assert again.open(identity.public().seal(b"key", b"info"), b"info") == b"key"


def test_sealing_is_bound_to_recipient_and_info() -> None:
    identity = Identity.generate()
    sealed = identity.public().seal(b"key", b"this round")
    with pytest.raises(WrongKeyError):
        identity.open(sealed, b"another round")
    with pytest.raises(WrongKeyError):
        Identity.generate().open(sealed, b"this round")
    with pytest.raises(WrongKeyError):
        identity.open(sealed[:-1], b"this round")
    with pytest.raises(WrongKeyError):
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
    with pytest.raises(IdentityError):
        stated.verify(other.public())
    for change in ({"study": None}, {"study": "another"}, {"number": 4}, {"key": statement(owner).key}):
        with pytest.raises(IdentityError):
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
    with pytest.raises(MalformedError):
        signed.verify(owner.public())


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
    with pytest.raises(MalformedError):
        weak.verifier()


def test_one_signature_by_a_key_of_small_order_is_good_for_every_message() -> None:
    """Why such a key is refused: the library alone takes it, and this signature by nobody."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes((1).to_bytes(32, "little"))
    for message in (b"one plan", b"another plan"):
        key.verify((1).to_bytes(32, "little") + bytes(32), message)


@pytest.mark.parametrize("u", [0, 1, P - 1, P, P + 9, 2**255 - 1, 2**255 + 9])
def test_a_sealing_key_that_stops_whoever_seals_to_it_is_none(u: int) -> None:
    """Its ML-KEM half is good and its X25519 half gives zero, or is a second encoding of another key."""
    good = canonical.from_base64(Identity.generate().public().sealing, "")
    weak = canonical.to_base64(good[:1184] + u.to_bytes(32, "little"))
    with pytest.raises(MalformedError):
        sealing_keys.parse(weak)
    owner = Identity.generate()
    with pytest.raises(MalformedError):
        UnsealingStatement.sign(weak, None, 1, owner.signing).verify(owner.public())


def card(identity: Identity, name: str = "hospital-a", study: str | None = None) -> bytes:
    return write_card(
        identity,
        name=name,
        mask=statement(identity, study),
        unsealing=UnsealingStatement.sign(SealingKey.generate().public(), study, 1, identity.signing),
        stamp=Stamp("2026-01-02T03:04:05Z", "privxray 0.1.0"),
    )


def test_a_card_says_what_it_was_made_of() -> None:
    identity = Identity.generate()
    read = read_card(split(card(identity)))
    assert (read.name, read.keys) == ("hospital-a", identity.public())


def test_a_card_of_another_signer_is_refused() -> None:
    data = card(Identity.generate())
    other = Identity.generate()
    envelope = split(data)
    forged = type(envelope)(
        envelope.kind, envelope.payload, other.public().fingerprint, envelope.signature, envelope.length
    )
    with pytest.raises(IdentityError):
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
    with pytest.raises(RefusedError, match="at least 3"):
        Roster(version=1, members=tuple(members(2))).verify("pneumonia")


def test_a_mask_key_of_another_study_is_refused() -> None:
    three = members()
    identity = Identity.generate()
    stranger = Member(name="x", keys=identity.public(), mask=statement(identity, "cardiology"))
    with pytest.raises(RefusedError, match="another study"):
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
    with pytest.raises(RefusedError, match="the same"):
        Roster(version=1, members=(first, twin, third)).verify("pneumonia")


def test_key_words_stand_for_everything_but_the_mask_keys() -> None:
    coordinator, other = Identity.generate().public(), Identity.generate().public()
    roster = Roster(version=1, members=tuple(members()))
    words = roster.key_words("pneumonia", coordinator)
    assert len(words.split()) == 12
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
