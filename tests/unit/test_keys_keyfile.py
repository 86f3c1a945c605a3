"""The key file: what opens it, and which damage is named how."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from forged_files import refused

from privxray.errors import PrivxrayError
from privxray.formats import canonical
from privxray.keys import keyfile
from privxray.keys.identity import Identity

CHEAP = keyfile.Cost(memory=64, passes=1, lanes=1)  # the format is the same, the guess is cheap
BY_SCRYPT = (
    b'{"box":"ezaD8qygra31fW6Cr1CrC3NakfzHwQQGUJI/9SZZ17S5OKU2Z0Mk","kdf":"scrypt","log_n":10,'
    b'"salt":"AAECAwQFBgcICQoLDA0ODw=="}'
)
PINNED = (
    b'{"box":"HvqLCn5TlGcQKgEFSOqq14Et8DuH4oq8fKN++6tU8e5ogOR1CZPk","kdf":"argon2id","lanes":2,'
    b'"memory_kib":64,"passes":2,"salt":"AAECAwQFBgcICQoLDA0ODw=="}'
)


@pytest.mark.parametrize(("pinned", "outdated"), [(BY_SCRYPT, True), (PINNED, False)])
def test_a_key_file_of_an_earlier_version_opens(pinned: bytes, outdated: bool) -> None:
    """Every parameter of scrypt, of Argon2id and of the cipher is in these bytes."""
    assert keyfile.unlock(pinned, "Grüße und Küsse") == b"a secret of 23 bytes..."
    assert keyfile.is_outdated(pinned) is outdated


def test_the_derivation_is_the_one_of_rfc_9106() -> None:
    """Section 5.3's vector for Argon2id has a secret and associated data, which key files have not; the
    library is held to it here, and the bytes above to the library."""
    argon2 = Argon2id(
        salt=b"\x02" * 16, length=32, iterations=3, lanes=4, memory_cost=32,
        ad=b"\x04" * 12, secret=b"\x03" * 8,
    )  # fmt: skip
    expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    assert argon2.derive(b"\x01" * 32).hex() == expected


def test_a_keyfile_opens_with_its_passphrase_and_no_other() -> None:
    locked = keyfile.lock(b"secret", "correct horse", cost=CHEAP)
    assert b"secret" not in locked
    assert keyfile.unlock(locked, "correct horse") == b"secret"
    with refused("keyfile.wrong-passphrase"):
        keyfile.unlock(locked, "correct  horse")


def test_two_key_files_of_one_secret_differ() -> None:
    assert keyfile.lock(b"s", "pass", cost=CHEAP) != keyfile.lock(b"s", "pass", cost=CHEAP)


def test_the_same_letters_typed_on_another_keyboard_are_the_same_passphrase() -> None:
    assert keyfile.unlock(keyfile.lock(b"s", "caf\u00e9", cost=CHEAP), "cafe\u0301") == b"s"


def test_every_flipped_bit_of_a_keyfile_is_noticed() -> None:
    locked = keyfile.lock(b"secret", "pass", cost=CHEAP)
    for place in range(len(locked)):
        altered = bytearray(locked)
        altered[place] ^= 1
        with pytest.raises(PrivxrayError):
            keyfile.unlock(bytes(altered), "pass")


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no salt": (lambda file: file.pop("salt"), "keyfile.fields"),
    "another derivation": (lambda file: file.update(kdf="argon2i"), "keyfile.fields"),
    "a field more": (lambda file: file.update(more=1), "keyfile.fields"),
    "both derivations": (lambda file: file.update(log_n=10), "keyfile.fields"),
    "a cost in words": (lambda file: file.update(passes="1"), "keyfile.fields"),
    "no pass": (lambda file: file.update(passes=0), "keyfile.fields"),
    "all of the time": (lambda file: file.update(passes=17), "keyfile.fields"),
    "less than 8 KiB a lane": (lambda file: file.update(memory_kib=7), "keyfile.fields"),
    "all of the memory": (lambda file: file.update(memory_kib=128 * 1024 + 1), "keyfile.fields"),
    "no lane": (lambda file: file.update(lanes=0), "keyfile.fields"),
    "too many lanes": (lambda file: file.update(lanes=17, memory_kib=1024), "keyfile.fields"),
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


@pytest.mark.parametrize("cost", [keyfile.Cost(8, 1, 1), keyfile.Cost(128 * 1024, 16, 16), keyfile.COST])
def test_the_cost_has_limits_and_is_high_by_default(
    cost: keyfile.Cost, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[keyfile.Cost] = []

    def derive(passphrase: str, salt: bytes, cost: keyfile.Cost) -> bytes:
        asked.append(cost)
        assert len(salt) == 16
        return bytes(32)

    monkeypatch.setattr(keyfile, "_derive", derive)
    assert keyfile.unlock(keyfile.lock(b"s", "pass", cost=cost), "pass") == b"s"
    assert asked == [cost, cost]
    assert keyfile.Cost(128 * 1024, 3, 4) == keyfile.COST  # which tests of commands lower for themselves


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's most memory so")
def test_a_guess_takes_128_mib() -> None:
    """A whole process that locks once, at full cost: `aggregate` has to stay below 300 MB with it."""
    code = (
        "from privxray.keys import keyfile; keyfile.lock(b's', 'pass');"
        "print(*[line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 128 * 1024 < int(done.stdout) < 220 * 1024


@pytest.mark.parametrize("log_n", [9, 10, 17, 18])
def test_an_earlier_version_asks_for_at_most_128_mib(log_n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """scrypt takes 128 * r * N bytes, and every version wrote r = 8 and N = 2**17."""
    monkeypatch.setattr(keyfile, "_derive_by_scrypt", lambda *_: bytes(32))
    file = canonical.encode(json.loads(BY_SCRYPT) | {"log_n": log_n})
    with refused("keyfile.wrong-passphrase" if log_n in (10, 17) else "keyfile.fields"):
        keyfile.unlock(file, "pass")


def test_what_a_key_file_holds_is_an_identity_or_nothing() -> None:
    identity = Identity.generate()
    secret = identity.secret()
    assert len(secret) == 128
    assert Identity.from_secret(secret).public() == identity.public()
    for other in (b"", secret[:-1], secret + b"\0"):
        with refused("keyfile.length"):
            Identity.from_secret(other)
