"""The rules of privxray's terminal texts."""

from __future__ import annotations

import json

import pytest

from privxray.cli.output import bar, emit, line, printable, progress, table, tell


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
    with progress("Training") as update:
        assert update is None
    assert capsys.readouterr().err == ""
