"""Files as they come from outside: what is copied in, and what is no file of privxray."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from exchange_samples import Study
from forged_files import refused

from privxray.errors import AbsentFileError, RefusedError, StrangeFileError
from privxray.exchange import intake
from privxray.exchange.intake import envelope_of, hold, read_again, take_in
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats.container import MAX_ENVELOPE, PREAMBLE, split
from privxray.formats.header import Body

STUDY = Study()
UPDATE = STUDY.update(STUDY.hospitals[0], STUDY.masked(STUDY.hospitals[0], STUDY.vector(0)))
START = split(UPDATE).length
BODY = split(UPDATE).claim(UpdateHeader).body


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    path = tmp_path / "a.enc"
    path.write_bytes(UPDATE)
    return path


def test_a_file_is_copied_and_described(stick: Path, tmp_path: Path) -> None:
    with take_in(stick, tmp_path / "inbox") as received:
        assert received.source == stick
        assert received.path.parent == tmp_path / "inbox"
        received.check_body(BODY)
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
        received.check_body(Body(length=length, sha256=hashlib.sha256(body[:length]).hexdigest()))
        assert received.body_length == length
        assert received.body() == body[:length]
        assert received.body_sha256 == hashlib.sha256(body[:length]).hexdigest()
        assert received.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert all(len(piece) <= 1 << 20 for piece in received.pieces())
        assert received.path.read_bytes() == path.read_bytes()


def test_a_file_larger_than_any_is_not_taken_in(
    stick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    length = 7 << 20
    stick.write_bytes(UPDATE[:START] + bytes(length))
    monkeypatch.setattr(intake, "MAX_BODY", length)
    assert read_again(stick).body_length == length
    monkeypatch.setattr(intake, "MAX_BODY", length - 1)
    with refused("file.too-large"):
        read_again(stick)


def test_the_largest_body_has_a_gibibyte() -> None:
    assert intake.MAX_BODY == 2**30


def test_nothing_is_copied_before_the_signer_was_verified(stick: Path, tmp_path: Path) -> None:
    """The callers verify a header, and only then have its body checked."""
    inbox = tmp_path / "inbox"
    with take_in(stick, inbox) as received:
        assert not list(inbox.iterdir())
        for ask in (lambda: received.sha256, lambda: received.body_length, received.body):
            with pytest.raises(ValueError, match="not checked yet"):
                ask()
        assert received.check_body(BODY) == hashlib.sha256(UPDATE).hexdigest()
        assert [path.read_bytes() for path in inbox.iterdir()] == [UPDATE]
    assert not list(inbox.iterdir())


def test_no_more_is_copied_than_the_header_says(stick: Path, tmp_path: Path) -> None:
    """A file that goes on behind its body costs a piece more at most."""
    stick.write_bytes(UPDATE + bytes(20 << 20))
    with refused("body.longer-than-said"), take_in(stick, tmp_path / "inbox") as received:
        try:
            received.check_body(BODY)
        finally:
            assert received.path.stat().st_size <= 13 + (4 << 20) + 1
    with refused("body.cut-off"), take_in(stick, tmp_path / "inbox") as received:
        received.check_body(BODY.model_copy(update={"length": 1 << 30}))


@pytest.mark.parametrize("beyond", [1000, 1 << 20])
def test_one_byte_more_than_the_header_says_is_seen_and_no_further_one_is_read(
    beyond: int, tmp_path: Path
) -> None:
    """Also where a piece ends with the body."""
    length = PREAMBLE + MAX_ENVELOPE - START + beyond
    body = Body(length=length, sha256=hashlib.sha256(bytes(length)).hexdigest())
    for more in (1, 5):
        path = tmp_path / "a.enc"
        path.write_bytes(UPDATE[:START] + bytes(length + more))
        with take_in(path, tmp_path / "inbox") as received:
            with refused("body.longer-than-said"):
                received.check_body(body)
            assert received.path.stat().st_size == START + length + 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_named_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "a.enc"
    os.mkfifo(pipe)
    for act in (read_again, envelope_of):
        with refused("file.not-regular") as told:
            act(pipe)
        assert told.value.file == str(pipe)
    with refused("file.not-regular"), take_in(pipe, tmp_path / "inbox"):
        pass


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
        received.check_body(BODY)
        received.check_body(BODY.model_copy(update={"sha256": "ab" * 32}))
    assert told.value.file == str(stick)
    assert not list((tmp_path / "inbox").iterdir())


def test_a_file_that_is_held_is_not_blamed_for_what_is_about_others(stick: Path, tmp_path: Path) -> None:
    """``aggregate`` holds all files of a round; it said of the last one what was wrong with the round."""
    inbox = tmp_path / "inbox"
    with refused("file.absent") as told, hold(tmp_path / "nothing", inbox):
        pass
    assert told.value.file == str(tmp_path / "nothing")
    with refused("plan.keys-lacking") as told, hold(stick, inbox) as received:
        assert received.envelope.kind == "update"
        raise RefusedError("a key is missing", reason="plan.keys-lacking", advice="Ask for a card")
    assert told.value.file is None
    assert not list(inbox.iterdir())
