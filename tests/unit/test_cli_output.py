"""The rules of privxray's terminal texts."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.console import Console

from privxray.cli import step_bars
from privxray.cli.output import FAULT, NEXT, bar, emit, line, printable, table, tell
from privxray.cli.step_bars import StepBars
from privxray.cli.watching import watching
from privxray.steps import step


def test_data_goes_to_stdout_and_messages_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    line("data")
    tell("message")
    seen = capsys.readouterr()
    assert (seen.out, seen.err) == ("data\n", "message\n")


def test_without_a_terminal_a_long_line_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    text = "word " * 100 + "end"
    tell(text)
    line(text)
    seen = capsys.readouterr()
    assert seen.out == seen.err == f"{text}\n"


def test_a_table_aligns_numbers_to_the_right_and_shows_none_as_a_dash(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table("Counts", ("what", "files"), [("copied", 12), ("blacked", None), ("not copied", 3)])
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "Counts"
    assert shown[1].split() == ["what", "files"]
    rows = [row.rstrip() for row in shown[3:]]
    assert [row.split("  ")[0] for row in rows] == ["copied", "blacked", "not copied"]
    assert [row.split()[-1] for row in rows] == ["12", "-", "3"]
    assert len({len(row) for row in rows}) == 1


def test_a_table_without_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    table("Counts", ("what", "files"), [])
    assert capsys.readouterr().out == "Counts\nnone\n"


@pytest.mark.parametrize(
    ("reaches", "counts"),
    [
        ([("#", 0.0)], {"#": 0, ".": 70}),
        ([("#", 5.0)], {"#": 35, ".": 35}),
        ([("#", 10.0)], {"#": 70, ".": 0}),
        ([("#", 1e-6)], {"#": 1, ".": 69}),
        ([("#", 9.999999)], {"#": 69, ".": 1}),
        ([("#", 5.0), ("=", 7.5)], {"#": 35, "=": 17, ".": 18}),
        ([("#", 5.0), ("=", 5.0)], {"#": 35, "=": 0, ".": 35}),
        ([("#", 20.0)], {"#": 70, ".": 0}),
    ],
)
def test_no_end_of_a_bar_lies(
    reaches: list[tuple[str, float]], counts: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    bar(10.0, reaches)
    drawn = capsys.readouterr().out.strip()
    assert len(drawn) == 72
    assert {sign: drawn.count(sign) for sign in counts} == counts


def test_signs_that_a_terminal_would_obey_are_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert printable("a\x1b[2Jb\rc\u202ed\ne") == "a?[2Jb?c?d\ne"
    tell("\x1b[31mred")
    table("\x07", ("a",), [("\x1b[0m",)])
    seen = capsys.readouterr()
    assert "\x1b" not in seen.out + seen.err
    assert "\x07" not in seen.out


def test_marks_of_rich_are_printed_as_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    tell("[bold]privxray[ocr][/bold] :smile:")
    assert capsys.readouterr().err == "[bold]privxray[ocr][/bold] :smile:\n"


def test_json_has_no_number_that_json_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"a": [1.5, None]})
    assert json.loads(capsys.readouterr().out) == {"a": [1.5, None]}
    with pytest.raises(ValueError, match="Out of range float"):
        emit({"a": float("nan")})


def test_without_a_terminal_there_is_no_progress_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with watching(None), step("Training") as tick:
        tick(1, 2)
    assert capsys.readouterr().err == ""


def drawn_by(seconds: list[float], ticks: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> str:
    """What a step draws that begins at second 0 and ticks at these seconds."""
    clock = iter([0.0, *seconds])
    monkeypatch.setattr(step_bars, "monotonic", lambda: next(clock))
    screen = io.StringIO()
    bars = StepBars(lambda: Console(file=screen, force_terminal=True, width=100, _environ={"TERM": "xterm"}))
    tick = bars.begin("Training")
    for done, total in ticks:
        tick(done, total)
    if bars._display is not None:
        bars._display.refresh()
    monkeypatch.undo()
    bars.end(tick)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())


def test_a_step_of_two_seconds_is_drawn_with_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = drawn_by([0.5, 2.0], [(1, 8), (4, 8)], monkeypatch)
    assert re.search(r"Training .* 4/8 2\.0/s", shown)


def test_a_step_whose_end_is_not_known_is_drawn_without_a_total(monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.search(r"Training .* 4/\? 2\.0/s", drawn_by([2.0], [(4, 0)], monkeypatch))


def test_a_short_step_and_one_that_ends_with_its_first_tick_are_not_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert drawn_by([0.05, 0.09], [(1, 8), (8, 8)], monkeypatch) == ""
    assert drawn_by([5.0], [(8, 8)], monkeypatch) == ""


def test_two_steps_at_a_time_share_the_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_bars, "_UNSEEN_SECONDS", 0.0)
    screen = io.StringIO()
    bars = StepBars(lambda: Console(file=screen, force_terminal=True, width=100, _environ={"TERM": "xterm"}))
    one, other = bars.begin("Features"), bars.begin("Training")
    one(1, 2)
    other(1, 3)
    bars.end(one)
    bars.end(other)
    shown = screen.getvalue()
    assert "Features" in shown
    assert "Training" in shown
    assert "\x1b[?25h" in shown[-20:]  # the cursor is back


def test_at_a_terminal_the_first_word_is_marked_and_the_only_colour_is_red(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    tell("privxray: it failed", mark=FAULT)
    tell("Next: privxray status", mark=NEXT)
    tell("said")
    assert capsys.readouterr().err == (
        "\x1b[1;31mprivxray:\x1b[0m it failed\n\x1b[1mNext:\x1b[0m privxray status\nsaid\n"
    )
    monkeypatch.setenv("NO_COLOR", "1")
    tell("privxray: it failed", mark=FAULT)
    assert capsys.readouterr().err == "\x1b[1mprivxray:\x1b[0m it failed\n"
