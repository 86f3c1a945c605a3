"""What a person is asked, and what answers where there is nobody to ask."""

from __future__ import annotations

import io
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
    return tmp_path / "passphrase"


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"secret\nsecond line\n", "secret"),
        (b"secret\r\n", "secret"),
        (b" two words ", " two words "),
        ("gr\u00fc\u00dfe\n".encode(), "gr\u00fc\u00dfe"),
    ],
)
def test_the_first_line_of_the_file_is_the_passphrase(file: Path, data: bytes, read: str) -> None:
    file.write_bytes(data)
    assert passphrase(file)() == read


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
    if data is not None:
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
