"""Whatever is raised becomes one line without data, an exit code and a reason."""

from __future__ import annotations

import json
import sqlite3

import pytest
import typer

from privxray.cli.failures import explained, is_typers_end, report
from privxray.errors import (
    AbsentFileError,
    FindingsError,
    NotTakenInError,
    PrivxrayError,
    RefusedError,
    StrangeFileError,
)

PATIENT = "Quackenbush^Zephyrine"


def failed_inside() -> BaseException:
    from privxray.naming.public_names import public_name

    try:
        public_name(PATIENT, 1)  # type: ignore[arg-type]
    except AttributeError as error:
        return error
    raise AssertionError


RAISED: dict[str, tuple[BaseException, int, str, str]] = {
    "a full disk": (
        OSError(28, "No space left on device", "state.db"),
        1,
        "system.disk",
        "no space is left on the disk that this folder is on",
    ),
    "a file of a patient's": (
        PermissionError(13, "Permission denied", f"/x/{PATIENT}.dcm"),
        1,
        "system.refused",
        "a file whose name may identify somebody: Permission denied",
    ),
    "an error without a file": (OSError(PATIENT), 1, "system.refused", "refused by the operating system"),
    "a database": (
        sqlite3.OperationalError(PATIENT),
        1,
        "system.database",
        "can't be used (OperationalError)",
    ),
    "no memory": (MemoryError(), 1, "system.memory", "not enough memory"),
    "Ctrl-C": (KeyboardInterrupt(), 130, "system.cancelled", "The same command goes on"),
    "Ctrl-C at a prompt": (typer.Abort(), 130, "system.cancelled", "Nothing was changed"),
    "a fault": (KeyError(PATIENT), 1, "internal.fault", "privxray itself failed (KeyError at unknown)"),
    "a fault in a module": (
        failed_inside(),
        1,
        "internal.fault",
        "(AttributeError at naming/public_names.py:",
    ),
    "a refusal": (
        RefusedError("it exists", reason="file.exists", file="a.plan"),
        4,
        "file.exists",
        "a.plan: it",
    ),
    "an absent file": (
        AbsentFileError("it is not there", reason="file.absent", file=f"/x/{PATIENT}.dcm"),
        1,
        "file.absent",
        "a file whose name may identify somebody: it is not there",
    ),
    "a strange file": (
        StrangeFileError("it is none", reason="container.not-ours", file=f"{PATIENT}.dcm"),
        11,
        "container.not-ours",
        "a file whose name may identify somebody: it is none",
    ),
}


@pytest.mark.parametrize("case", RAISED)
def test_it_is_explained_without_its_own_words(case: str) -> None:
    error, code, reason, words = RAISED[case]
    told = explained(error)
    assert (told.exit_code, told.reason) == (code, reason)
    assert words in str(told)
    assert PATIENT.partition("^")[0] not in str(told)


def ended(error: PrivxrayError, *, as_json: bool = False, verbose: bool = False) -> int:
    with pytest.raises(typer.Exit) as end:
        report(error, typed=["--json"] if as_json else [], verbose=verbose)
    return end.value.exit_code


def test_it_is_one_line_and_with_json_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    error = RefusedError("it exists already", reason="file.exists", file="a.plan", advice="Move it away")
    assert ended(error) == 4
    assert tuple(capsys.readouterr()) == ("", "privxray: a.plan: it exists already. Move it away\n")
    assert ended(error, as_json=True, verbose=True) == 4
    seen = capsys.readouterr()
    assert json.loads(seen.out) == {
        "error": {
            "reason": "file.exists",
            "what": "it exists already",
            "file": "a.plan",
            "advice": "Move it away",
        },
        "exit_code": 4,
    }
    assert seen.err.splitlines()[1] == "reason: file.exists; more: privxray help file.exists"


def test_findings_print_no_second_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(FindingsError("1 of 2 failed", reason="check.findings"), as_json=True) == 3
    assert capsys.readouterr().out == ""


def test_images_that_stay_out_have_no_report_and_print_their_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ended(NotTakenInError("1 of 2 failed", reason="ingest.check-failed"), as_json=True) == 3
    assert json.loads(capsys.readouterr().out)["error"]["reason"] == "ingest.check-failed"


def test_an_exit_code_on_its_way_is_left_alone() -> None:
    assert is_typers_end(typer.Exit(3))
    assert not is_typers_end(typer.Abort())
    assert not is_typers_end(KeyError())
