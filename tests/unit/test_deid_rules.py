"""The rules describe themselves, docs/RULES.md is what they say, and each is given somewhere in the code."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from privxray.deid import tags
from privxray.deid.findings import rules
from privxray.deid.findings.remedies import Remedy
from privxray.deid.findings.report import Finding
from privxray.deid.findings.rulebook import pages
from privxray.deid.findings.rules import RULES, Rule

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "privxray"
NAMES = {name: value for name, value in vars(rules).items() if isinstance(value, Rule)}


def test_docs_say_what_the_rules_say() -> None:
    assert (ROOT / "docs" / "RULES.md").read_text("utf-8") == "".join(pages()), (
        "python -m privxray.deid.findings.rulebook > docs/RULES.md"
    )


def test_every_rule_describes_itself() -> None:
    for key, rule in RULES.items():
        assert rule.id == key
        assert rule.severity in ("error", "notice")
        assert rule.says
        assert not rule.says.endswith(".")
        assert rule.source
        assert rule.about.endswith(".")
        assert "|" not in rule.says + rule.source + rule.about  # they go into a table


def test_every_error_has_a_remedy_and_no_notice_demands_one() -> None:
    errors = {Remedy.DEIDENTIFY, Remedy.PICTURE, Remedy.RENAME, Remedy.ASK, Remedy.LEAVE_OUT}
    for rule in RULES.values():
        assert (rule.severity == "error") is (rule.do in errors), rule.id
    assert {rule.do for rule in RULES.values()} == set(Remedy)
    for remedy in Remedy:
        assert remedy.heading[0].isupper()
        assert remedy.how.endswith(".")


def test_every_rule_has_these_fields_and_no_others() -> None:
    tables = tomllib.loads((PACKAGE / "deid" / "findings" / "rules.toml").read_text("utf-8"))
    assert {tuple(sorted(table)) for table in tables.values()} == {
        ("about", "do", "says", "severity", "source")
    }


def test_no_two_rules_say_the_same() -> None:
    assert len({rule.says for rule in RULES.values()}) == len(RULES)


def test_every_rule_has_one_name() -> None:
    assert sorted(rule.id for rule in NAMES.values()) == sorted(RULES)
    assert all(name.isupper() for name in NAMES)


def test_every_rule_is_given_and_every_rule_that_is_given_exists() -> None:
    given = {
        node.attr
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "rules"
    }
    assert {name for name in given if name.isupper()} - {"RULES"} == set(NAMES)


@pytest.mark.parametrize(
    ("found", "where", "reason"),
    [
        (rules.REMOVE.at("(0040,A730)[0]/(0010,0010)"), "(0040,A730)[0]/(0010,0010)", "must be removed"),
        (rules.REMOVE.at(tags.PATIENT_NAME), "(0010,0010)", "must be removed"),
        (
            rules.REMOVE.at(tags.PATIENT_NAME, "Patient's Name"),
            "(0010,0010)",
            "Patient's Name: must be removed",
        ),
        (rules.REMOVE.because("it is damaged"), "file", "must be removed: it is damaged"),
        (rules.REMOVE.more(7), "file", "must be removed: 7 more places, not listed"),
    ],
)
def test_what_a_finding_says(found: Finding, where: str, reason: str) -> None:
    assert found == Finding("E.1-1/X", "error", where, reason)
