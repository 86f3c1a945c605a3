"""At a real terminal: prompts, progress, Ctrl-C, and widths from 40 to 160 columns."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from pathlib import Path
from typing import NoReturn

import pytest
from played_study import PASSPHRASE, At

from privxray.cli import step_bars
from privxray.cli.app import run

CODE = "from privxray.cli.app import main; main()"
SECRET = ("Passphrase:", "confirmation:", "(not shown):", "an empty line ends):")


def at_terminal(
    folder: Path, words: list[str], typed: list[tuple[str, str]], columns: int = 80, *, fork: bool = False
) -> tuple[int, str]:
    """Run a command on a pseudo-terminal; each pair is a prompt to wait for and what is typed then.

    :param fork: go on in a fork of this process, which has the imports already, not in a fresh interpreter.
    """
    child, screen = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.chdir(folder)
        # readline puts COLUMNS into C's environment, which a worker of pytest-xdist starts with; it'd win.
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        if fork:
            _go_on(words, environment)
        os.execve(sys.executable, [sys.executable, "-c", CODE, *words], environment)
    seen, waiting, deadline = "", list(typed), time.monotonic() + 300
    while time.monotonic() < deadline:
        if not select.select([screen], [], [], 1)[0]:
            continue
        try:
            seen += os.read(screen, 65536).decode(errors="replace")
        except OSError:  # the child has closed its end
            break
        if waiting and waiting[0][0] in seen[seen.rfind("\0") + 1 :]:
            prompt, answer = waiting.pop(0)
            seen += "\0"  # what comes next is looked for behind this mark
            while prompt in SECRET and _echoes(screen) and time.monotonic() < deadline:
                time.sleep(0.02)
            os.write(screen, answer.encode())
    os.close(screen)
    _, status = os.waitpid(child, 0)
    assert not waiting, seen
    return os.waitstatus_to_exitcode(status), seen


def _echoes(screen: int) -> bool:
    """Whether what is typed is still shown: that is switched off after the prompt is printed."""
    return bool(termios.tcgetattr(screen)[3] & termios.ECHO)


def _go_on(words: list[str], environment: dict[str, str]) -> NoReturn:
    """End this forked process as the command ends; pytest has put its own streams over the terminal's."""
    code = 99
    try:
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        code = run(words)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def test_a_new_passphrase_is_asked_twice_and_never_shown(tmp_path: Path) -> None:
    words = ["init", "--role", "hospital", "--name", "hospital-a"]
    secret = "zebra-9-quilt"
    code, seen = at_terminal(
        tmp_path,
        words,
        [
            ("has this hospital?", "\n"),
            ("Make a recovery key now?", "\n"),
            ("Passphrase:", secret + "\n"),
            ("confirmation:", secret + "\n"),
        ],
    )
    assert code == 0, seen
    assert seen.count("Passphrase") == 1
    assert secret not in seen
    code, seen = at_terminal(tmp_path, ["card"], [("Passphrase:", "wrong\n")])
    assert code == 12, seen


def test_key_words_are_asked_after_the_plan_is_shown(at: At) -> None:
    world = at("initialised")
    planned = world.ok("coordinator", "plan", "cards/*.card", asks=True)
    world.carry(planned["plan"], "hospital-a")
    answer = [("read them out:", planned["key_words"] + "\n")]
    code, seen = at_terminal(world["hospital-a"], ["join", "received/plan-0001.plan"], answer)
    assert code == 0, seen
    assert seen.index("linear-probe") < seen.index("read them out:")


def test_ctrl_c_at_a_prompt_cancels(at: At) -> None:
    world = at("trained")
    code, seen = at_terminal(world["hospital-a"], ["export-update"], [("Passphrase:", "\x03")])
    assert code == 130, seen
    assert "cancelled" in seen
    assert "Traceback" not in seen


@pytest.mark.parametrize("columns", [40, 80, 160])
def test_texts_fit_the_terminal(at: At, columns: int) -> None:
    world = at("trained")
    for words in (["status"], ["budget"], ["inspect", "received/plan-0001.plan"]):
        code, seen = at_terminal(world["hospital-a"], words, [], columns, fork=True)
        assert code == 0, seen
        plain = re.sub(r"\x1b\[[0-9;]*m", "", seen.replace("\r", ""))
        too_long = [line for line in plain.splitlines() if len(line) > columns]
        assert not too_long, words


def test_training_shows_its_progress(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_bars, "_UNSEEN_SECONDS", 0.0)
    world = at("ingested")
    code, seen = at_terminal(world["hospital-a"], ["train", "--epsilon", "1"], [], fork=True)
    assert code == 0, seen
    assert "Searching for the least noise" in seen
    assert "Training" in seen
    assert PASSPHRASE not in seen


def test_a_check_shows_its_rate_and_the_time_left(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (8, 8)).save(tmp_path / "im00000.png")
    for number in range(1, 12000):
        os.link(tmp_path / "im00000.png", tmp_path / f"im{number:05}.png")
    code, seen = at_terminal(tmp_path, ["check", ".", "--jobs", "1"], [], 100, fork=True)
    assert code == 0, seen
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    assert re.search(r"Checking .* [0-9]+/12000 [0-9,.]+/s 0:0[0-9]:[0-9]{2}", plain)


def test_without_a_terminal_a_message_is_one_whole_line(at: At) -> None:
    world = at("joined")
    result = world.type("hospital-a", "train")
    assert len(result.err) > 80
    assert result.err.rstrip().endswith("--labels labels.csv")
    assert result.err.count("\n") == 1
