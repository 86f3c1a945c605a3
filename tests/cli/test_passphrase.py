"""The key file at rest: one of an earlier version is written anew, whatever happens meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from crash import killed_at
from played_study import PASSPHRASE, At, Result, World, write_passphrase

from privxray.cli.app import run
from privxray.keys import keyfile
from privxray.system import locks
from privxray.workflow.common.own_keys import replace_key_file, unlock
from privxray.workspace.folder import Workspace


def by_scrypt(secret: bytes) -> bytes:
    """A key file as earlier versions wrote it, cheap to try."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    from privxray.formats import canonical

    salt = bytes(range(16))
    key = keyfile._derive_by_scrypt(PASSPHRASE, salt, 10)
    box = ChaCha20Poly1305(key).encrypt(bytes(12), secret, b"privxray keyfile v1")
    return canonical.encode(
        {"kdf": "scrypt", "log_n": 10, "salt": canonical.to_base64(salt), "box": canonical.to_base64(box)}
    )


@pytest.fixture
def old(at: At) -> tuple[World, Path, bytes]:
    """A hospital's workspace whose key file an earlier version wrote; its path, and what it holds."""
    world = at("initialised")
    path = world["hospital-a"] / "keys" / "identity.key"
    secret = keyfile.unlock(path.read_bytes(), PASSPHRASE)
    path.write_bytes(by_scrypt(secret))
    return world, path, secret


def kdf(path: Path) -> str:
    return str(json.loads(path.read_bytes())["kdf"])


def test_an_old_key_file_is_written_anew_when_it_is_next_opened(old: tuple[World, Path, bytes]) -> None:
    world, path, secret = old
    assert kdf(path) == "scrypt"
    world.ok("hospital-a", "card", asks=True)
    assert kdf(path) == "argon2id"
    assert keyfile.unlock(path.read_bytes(), PASSPHRASE) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    world.ok("hospital-a", "card", asks=True)
    assert path.read_bytes() == before


def test_a_wrong_passphrase_leaves_an_old_key_file_alone(old: tuple[World, Path, bytes]) -> None:
    world, path, _ = old
    before = path.read_bytes()
    write_passphrase(world.passphrase, "wrong")
    assert world.type("hospital-a", "card", asks=True).code == 12
    assert path.read_bytes() == before


def test_kill_9_while_an_old_key_file_is_written_anew(old: tuple[World, Path, bytes]) -> None:
    world, path, secret = old
    kept = path.read_bytes()
    steps, seen = 0, set()
    while True:
        steps += 1
        path.write_bytes(kept)
        words = ["-C", str(world["hospital-a"]), "card", "--passphrase-file", str(world.passphrase)]
        killed = killed_at(steps, lambda words=words: run(words))  # type: ignore[misc]
        seen.add(kdf(path))
        assert keyfile.unlock(path.read_bytes(), PASSPHRASE) == secret
        if not killed or (seen == {"scrypt", "argon2id"} and steps > 20):
            break
    assert seen == {"scrypt", "argon2id"}
    world.ok("hospital-a", "card", asks=True)
    assert not list(path.parent.glob(".*.tmp"))


def test_a_key_file_that_cannot_be_written_opens_all_the_same(
    old: tuple[World, Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, path, secret = old
    workspace = Workspace.find(world["hospital-a"])

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("privxray.workflow.common.own_keys.write_atomic", full)
        assert unlock(workspace, lambda: PASSPHRASE).secret() == secret
    with locks.exclusive(path.with_suffix(".lock")):
        assert unlock(workspace, lambda: PASSPHRASE).secret() == secret
    assert kdf(path) == "scrypt"


def test_a_key_file_that_was_replaced_meanwhile_stays(old: tuple[World, Path, bytes]) -> None:
    """Two commands open an old file; one changes the passphrase; the other must not undo that."""
    world, path, secret = old
    workspace, read = Workspace.find(world["hospital-a"]), path.read_bytes()
    changed = keyfile.lock(secret, "another passphrase")
    replace_key_file(workspace, read, changed)
    with pytest.raises(Exception, match="just changed") as caught:
        replace_key_file(workspace, read, keyfile.lock(secret, PASSPHRASE))
    assert getattr(caught.value, "reason", "") == "keyfile.changed-meanwhile"
    assert path.read_bytes() == changed


def test_a_passphrase_file_that_others_can_read_is_refused_by_a_command(at: At) -> None:
    world = at("initialised")
    world.passphrase.chmod(0o644)
    refused = world.type("hospital-a", "card", "--json", asks=True)
    assert (refused.code, refused.json["error"]["reason"]) == (4, "passphrase.file-open-to-others")
    assert "chmod 600" in refused.json["error"]["advice"]


def change(world: World, party: str, new: str, *words: str) -> Result:
    file = world.root / "new-passphrase"
    write_passphrase(file, new)
    return world.type(party, "passphrase", "--new-passphrase-file", file, *words, asks=True)


def test_the_passphrase_is_changed(at: At) -> None:
    world = at("initialised")
    path = world["hospital-a"] / "keys" / "identity.key"
    secret = keyfile.unlock(path.read_bytes(), PASSPHRASE)
    result = change(world, "hospital-a", "another long passphrase")
    assert result.code == 0
    assert "backups that were made before still open with the old one" in " ".join(result.err.split())
    assert keyfile.unlock(path.read_bytes(), "another long passphrase") == secret
    assert world.type("hospital-a", "card", asks=True).code == 12
    write_passphrase(world.passphrase, "another long passphrase")
    world.ok("hospital-a", "card", asks=True)
    assert change(world, "hospital-a", PASSPHRASE, "--json").json["changed"] is True


def test_a_passphrase_that_is_wrong_or_the_same_changes_nothing(at: At) -> None:
    world = at("initialised")
    path = world["hospital-a"] / "keys" / "identity.key"
    before = path.read_bytes()
    same = change(world, "hospital-a", PASSPHRASE, "--json")
    assert (same.code, same.json["error"]["reason"]) == (4, "passphrase.unchanged")
    lacking = world.type("hospital-a", "passphrase", "--json", asks=True)
    assert lacking.json["error"]["advice"] == "Give --new-passphrase-file FILE"
    write_passphrase(world.passphrase, "wrong")
    wrong = change(world, "hospital-a", "another long passphrase", "--json")
    assert (wrong.code, wrong.json["error"]["reason"]) == (12, "keyfile.wrong-passphrase")
    assert path.read_bytes() == before


def test_kill_9_while_the_passphrase_is_changed(at: At) -> None:
    world = at("initialised")
    path = world["hospital-a"] / "keys" / "identity.key"
    kept, new = path.read_bytes(), world.root / "new-passphrase"
    secret = keyfile.unlock(kept, PASSPHRASE)
    write_passphrase(new, "another long passphrase")
    words = ["-C", str(world["hospital-a"]), "passphrase", "--passphrase-file", str(world.passphrase),
             "--new-passphrase-file", str(new)]  # fmt: skip
    steps, seen = 0, set()
    while True:
        steps += 1
        path.write_bytes(kept)
        killed = killed_at(steps, lambda: run(words))
        opens = PASSPHRASE if path.read_bytes() == kept else "another long passphrase"
        assert keyfile.unlock(path.read_bytes(), opens) == secret
        seen.add(opens)
        if not killed:
            break
    assert len(seen) == 2
