"""What a person is asked, and what answers where there is nobody to ask."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from privxray.cli import prompts
from privxray.cli.prompts import MAX_PASSPHRASE_FILE, key_words, party_words, passphrase
from privxray.errors import PrivxrayError


def reason_of(ask: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(PrivxrayError) as caught:
        ask()
    return caught.value.exit_code, caught.value.reason


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.touch(0o600)
    return file


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"secret\nsecond line\n", "secret"),
        (b"secret\r\n", "secret"),
        (b" two words ", " two words "),
        ("gr\u00fc\u00dfe\n".encode(), "gr\u00fc\u00dfe"),
        (b"\xef\xbb\xbfsecret\r\n", "secret"),
        (codecs.BOM_UTF16_LE + "gr\u00fc\u00dfe\r\n".encode("utf-16-le"), "gr\u00fc\u00dfe"),
        (codecs.BOM_UTF16_BE + "gr\u00fc\u00dfe\n".encode("utf-16-be"), "gr\u00fc\u00dfe"),
    ],
)
def test_the_first_line_of_the_file_is_the_passphrase(file: Path, data: bytes, read: str) -> None:
    file.write_bytes(data)
    assert passphrase(file)() == read


@pytest.mark.skipif(os.name == "nt", reason="tests/windows tries it by access lists")
@pytest.mark.parametrize("mode", [0o604, 0o602, 0o640, 0o620, 0o644, 0o666])
def test_a_file_that_others_can_read_or_change_is_refused(file: Path, mode: int) -> None:
    file.write_bytes(b"correct horse battery\n")
    file.chmod(mode)
    assert reason_of(passphrase(file)) == (4, "passphrase.file-open-to-others")
    file.chmod(0o400)
    assert passphrase(file)() == "correct horse battery"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_its_place_is_not_waited_for(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)
    assert reason_of(passphrase(file)) == (1, "passphrase.file-unread")


@pytest.mark.parametrize(
    ("typed", "remark"),
    [("short", "12 characters or more"), ("abababababababab", "6 different ones"), ("correct horse", "")],
)
def test_a_weak_new_passphrase_is_remarked_on_from_a_file_too(
    file: Path, typed: str, remark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(typed)
    assert passphrase(file, new=True)() == typed
    told = capsys.readouterr().err
    assert remark in told
    assert bool(told) == bool(remark)
    passphrase(file)()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, (1, "passphrase.file-unread")),
        (b"\xff\n", (2, "passphrase.file-not-text")),
        (b"\nsecret", (2, "passphrase.file-empty")),
        (b"", (2, "passphrase.file-empty")),
    ],
)
def test_a_file_without_a_passphrase_is_refused(
    file: Path, data: bytes | None, reason: tuple[int, str]
) -> None:
    if data is None:
        file.unlink()
    else:
        file.write_bytes(data)
    assert reason_of(passphrase(file)) == reason


def test_no_more_is_read_than_a_passphrase_can_have(file: Path) -> None:
    file.write_bytes(b"x" * (MAX_PASSPHRASE_FILE + 1))
    assert len(passphrase(file)()) == MAX_PASSPHRASE_FILE


def test_nothing_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("typed\n"))
    assert reason_of(passphrase(None)) == (2, "passphrase.no-terminal")
    assert reason_of(key_words(None)) == (2, "key-words.no-terminal")
    assert reason_of(lambda: party_words(None, "owner")("clinic")) == (2, "key-words.no-terminal")
    assert key_words("given words")() == party_words("given words", "owner")("clinic") == "given words"


def test_a_passphrase_is_asked_once_a_command_and_a_short_new_one_is_remarked_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def prompt(text: str, **options: bool) -> str:
        asked.append((text, options["hide_input"], options["confirmation_prompt"]))
        return "short"

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(typer, "prompt", prompt)
    ask = prompts.passphrase(None, new=True)
    assert ask() == ask() == "short"
    assert asked == [("Passphrase", True, True)]
    assert "12 characters or more" in capsys.readouterr().err
    prompts.passphrase(None)()
    assert capsys.readouterr().err == ""
