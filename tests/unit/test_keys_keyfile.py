"""The key file: what opens it, and which damage is named how."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from forged_files import refused

from privxray.errors import PrivxrayError
from privxray.formats import canonical
from privxray.keys import keyfile
from privxray.keys.identity import Identity

CHEAP = 10  # log2 of scrypt's N: the format is the same, the guess is cheap
PINNED = (
    b'{"box":"ezaD8qygra31fW6Cr1CrC3NakfzHwQQGUJI/9SZZ17S5OKU2Z0Mk","kdf":"scrypt","log_n":10,'
    b'"salt":"AAECAwQFBgcICQoLDA0ODw=="}'
)


def test_a_key_file_of_an_earlier_version_opens() -> None:
    """Every parameter of scrypt and of the cipher is in these bytes."""
    assert keyfile.unlock(PINNED, "Grüße und Küsse") == b"a secret of 23 bytes..."


def test_a_keyfile_opens_with_its_passphrase_and_no_other() -> None:
    locked = keyfile.lock(b"secret", "correct horse", log_n=CHEAP)
    assert b"secret" not in locked
    assert keyfile.unlock(locked, "correct horse") == b"secret"
    with refused("keyfile.wrong-passphrase"):
        keyfile.unlock(locked, "correct  horse")


def test_two_key_files_of_one_secret_differ() -> None:
    assert keyfile.lock(b"s", "pass", log_n=CHEAP) != keyfile.lock(b"s", "pass", log_n=CHEAP)


def test_the_same_letters_typed_on_another_keyboard_are_the_same_passphrase() -> None:
    assert keyfile.unlock(keyfile.lock(b"s", "caf\u00e9", log_n=CHEAP), "cafe\u0301") == b"s"


def test_every_flipped_bit_of_a_keyfile_is_noticed() -> None:
    locked = keyfile.lock(b"secret", "pass", log_n=CHEAP)
    for place in range(len(locked)):
        altered = bytearray(locked)
        altered[place] ^= 1
        with pytest.raises(PrivxrayError):
            keyfile.unlock(bytes(altered), "pass")


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no salt": (lambda file: file.pop("salt"), "keyfile.fields"),
    "another derivation": (lambda file: file.update(kdf="argon2id"), "keyfile.fields"),
    "a cost in words": (lambda file: file.update(log_n="10"), "keyfile.fields"),
    "too low a cost": (lambda file: file.update(log_n=9), "keyfile.fields"),
    "all of the memory": (lambda file: file.update(log_n=21), "keyfile.fields"),
    "a salt of 15 bytes": (lambda file: file.update(salt="A" * 20), "keyfile.salt-base64"),
    "a salt of 17 bytes": (lambda file: file.update(salt="A" * 23 + "="), "keyfile.salt-base64"),
    "a box that is no base64": (lambda file: file.update(box="="), "keyfile.box-base64"),
    "an altered box": (lambda file: file.update(box="A" * 60), "keyfile.wrong-passphrase"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_has_a_name(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyfile, "_derive", lambda *_: bytes(32))  # what is asked for is not spent
    change, reason = DAMAGE[what]
    file = json.loads(PINNED)
    change(file)
    with refused(reason):
        keyfile.unlock(canonical.encode(file), "pass")


def test_a_key_file_that_is_no_json_is_damaged() -> None:
    for data in (b"", b"{}" + PINNED, PINNED.replace(b",", b", ", 1)):
        with refused("keyfile.not-canonical"):
            keyfile.unlock(data, "pass")


@pytest.mark.parametrize("log_n", [10, 20])
def test_the_cost_has_limits_and_is_high_by_default(log_n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def derive(passphrase: str, salt: bytes, cost: int) -> bytes:
        asked.append(cost)
        assert len(salt) == 16
        return bytes(32)

    monkeypatch.setattr(keyfile, "_derive", derive)
    assert keyfile.unlock(keyfile.lock(b"s", "pass", log_n=log_n), "pass") == b"s"
    assert asked == [log_n, log_n]
    assert keyfile.LOG_N == 17  # which tests of commands lower for themselves


def test_what_a_key_file_holds_is_an_identity_or_nothing() -> None:
    identity = Identity.generate()
    secret = identity.secret()
    assert len(secret) == 128
    assert Identity.from_secret(secret).public() == identity.public()
    for other in (b"", secret[:-1], secret + b"\0"):
        with refused("keyfile.length"):
            Identity.from_secret(other)
