"""Files as they come from outside: what is copied in, and what is no file of privxray."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from exchange_samples import Study
from forged_files import refused

from privxray.errors import AbsentFileError, StrangeFileError
from privxray.exchange import intake
from privxray.exchange.intake import envelope_of, read_again, take_in
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats.container import split

STUDY = Study()
UPDATE = STUDY.update(STUDY.hospitals[0], STUDY.masked(STUDY.hospitals[0], STUDY.vector(0)))
START = split(UPDATE).length


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    path = tmp_path / "a.enc"
    path.write_bytes(UPDATE)
    return path


def test_a_file_is_copied_and_described(stick: Path, tmp_path: Path) -> None:
    with take_in(stick, tmp_path / "inbox") as received:
        assert received.source == stick
        assert received.path.parent == tmp_path / "inbox"
        assert received.path.read_bytes() == UPDATE
        assert received.sha256 == hashlib.sha256(UPDATE).hexdigest()
        assert received.body_length == len(UPDATE) - START
        assert received.body_sha256 == hashlib.sha256(UPDATE[START:]).hexdigest()
        assert (received.body(), b"".join(received.whole())) == (UPDATE[START:], UPDATE)
        assert received.envelope == envelope_of(stick) == split(UPDATE)
    assert not list((tmp_path / "inbox").iterdir())
    again = read_again(stick)
    assert (again.path, again.sha256, again.body()) == (stick, received.sha256, UPDATE[START:])


@pytest.mark.parametrize("length", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20])
def test_bodies_of_any_length_are_read_in_pieces(length: int, tmp_path: Path) -> None:
    """Also those that go beyond the first bytes that are read at once, for they may be an envelope."""
    path, body = tmp_path / "a.enc", bytes(range(251)) * (length // 251 + 1)
    path.write_bytes(UPDATE[:START] + body[:length])
    with take_in(path, tmp_path / "inbox") as received:
        assert received.body_length == length
        assert received.body() == body[:length]
        assert received.body_sha256 == hashlib.sha256(body[:length]).hexdigest()
        assert received.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert all(len(piece) <= 1 << 20 for piece in received.pieces())
        assert received.path.read_bytes() == path.read_bytes()


def test_a_file_larger_than_any_is_not_taken_in(
    stick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    length = (4 << 20) + (3 << 20)
    stick.write_bytes(UPDATE[:START] + bytes(length - START))
    monkeypatch.setattr(intake, "_MAX_FILE", length)
    with take_in(stick, tmp_path / "inbox") as received:
        assert received.body_length == length - START
    monkeypatch.setattr(intake, "_MAX_FILE", length - 1)
    with refused("file.too-large"), take_in(stick, tmp_path / "inbox"):
        pass
    assert not list((tmp_path / "inbox").iterdir())


def test_the_largest_file_is_an_envelope_and_a_body_of_the_largest_size() -> None:
    assert intake._MAX_FILE == 13 + 4 * 2**20 + 2**30


def test_what_is_no_file_is_told_apart(tmp_path: Path) -> None:
    """The two classes matter: a path that may be an image's is not printed (tests/cli/test_bad_input.py)."""
    (tmp_path / "image.dcm").write_bytes(bytes(128) + b"DICM")
    for path, reason, kind in (
        (tmp_path, "file.folder", StrangeFileError),
        (tmp_path / "nobody.enc", "file.absent", AbsentFileError),
        (tmp_path / "image.dcm", "file.not-privxray", StrangeFileError),
    ):
        for act in (lambda p=path: read_again(p), lambda p=path: envelope_of(p)):
            with refused(reason) as told:
                act()
            assert told.type is kind
            assert told.value.file == str(path)
        with refused(reason) as told, take_in(path, tmp_path / "inbox"):
            pass
        assert told.value.file == str(path)


def test_an_error_of_the_block_names_the_file_that_was_typed(stick: Path, tmp_path: Path) -> None:
    with refused("body.altered") as told, take_in(stick, tmp_path / "inbox") as received:
        body = received.envelope.claim(UpdateHeader).body
        received.check_body(body)
        received.check_body(body.model_copy(update={"sha256": "ab" * 32}))
    assert told.value.file == str(stick)
    assert not list((tmp_path / "inbox").iterdir())
