"""The rules describe themselves, and docs/RULES.md is what they say."""

from __future__ import annotations

import re
from pathlib import Path

from privxray.deid.findings.rulebook import pages
from privxray.deid.findings.rules import RULES

ROOT = Path(__file__).parents[2]


def test_docs_say_what_the_rules_say() -> None:
    assert (ROOT / "docs" / "RULES.md").read_text() == "".join(pages()), (
        "python -m privxray.deid.findings.rulebook"
    )


def test_every_rule_describes_itself() -> None:
    for key, rule in RULES.items():
        assert rule.id == key
        assert rule.says
        assert not rule.says.endswith(".")
        assert rule.source
        assert rule.about.endswith(".")
        assert "|" not in rule.says + rule.source + rule.about  # they go into a table


def test_every_rule_is_used() -> None:
    source = (ROOT / "privxray" / "deid" / "findings" / "rules.py").read_text()
    names = re.findall(r"^([A-Z_]+) = _rule\(", source, re.MULTILINE)
    assert len(names) == len(RULES)
    others = "".join(p.read_text() for p in (ROOT / "privxray").rglob("*.py") if p.name != "rules.py")
    assert [name for name in names if f"rules.{name}" not in others] == []
