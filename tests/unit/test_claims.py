"""docs/CLAIMS.md names a proof, a test and an audit for each claim, and what it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "CLAIMS.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| claim |"))
]
AUDITS = ("conformance", "one-run", "membership", "inversion")


def functions() -> set[str]:
    files = [path for folder in ("unit", "cli", "attacks") for path in (ROOT / "tests" / folder).glob("*.py")]
    return {
        name for path in files for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }


def test_every_claim_has_a_proof_a_test_and_an_audit_or_says_that_it_has_none() -> None:
    assert len(ROWS) >= 25
    for row in ROWS:
        assert len(row) == 4, row
        assert all(row), row
        claim, proof, test, audit = row
        assert claim.endswith("."), claim
        proved = re.search(r"\d{4}|by construction|By |convex|theory|product|choice|Masks|pair", proof, re.I)
        assert proved or "**" in proof or proof.startswith("Assumed"), proof
        assert test == "none" or "`test_" in test, test
        assert audit.startswith(("none", "the same", "the table")) or "`audit " in audit, audit


def test_what_only_tests_stand_for_is_said() -> None:
    assert sum("**tested only**" in row[1] for row in ROWS) >= 4
    assert sum(row[2] == "none" for row in ROWS) == 1  # the lowest bits of floating point


def test_the_tests_that_are_named_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 50
    assert named <= functions(), named - functions()


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`?((?:docs|privxray)/[\w/.-]+\.(?:py|md))`?", PAGE)))
)
def test_the_files_that_are_named_exist(path: str) -> None:
    assert (ROOT / path).is_file()


def test_the_audits_that_are_named_are_commands() -> None:
    assert set(re.findall(r"`audit ([\w-]+)`", PAGE)) <= set(AUDITS)
    commands = (ROOT / "docs" / "COMMANDS.md").read_text()
    assert all(f"| `audit {name}` |" in commands for name in AUDITS)
