"""The list of changes that no test has to notice: each is still a change of the code, and argued."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
if sys.platform == "win32":
    pytest.skip("the instrument needs fork", allow_module_level=True)
sys.path.append(str(ROOT / "tests" / "mutants"))

from mutate import Mutant, mutants  # noqa: E402
from run import argued, modules  # noqa: E402
from tested_by import TESTED_BY  # noqa: E402


def of(source: str) -> list[tuple[str, str, str, str]]:
    return [(m.function, m.kind, m.source, m.becomes) for m, _ in mutants("m.py", source)]


def test_every_kind_of_change_is_found() -> None:
    source = """
LIMIT = 3
class A:
    size: Field(le=9)
    def check(self, what: Literal[1] = 2) -> Literal[4]:
        '''Text.'''
        own: Field(5) = 1.5
        if not self.a < what or self.b:
            raise ValueError(f"7 {what[0]}")
        self.verify()
        return True
"""
    assert of(source) == [
        ("", "constant", "LIMIT = 3", "LIMIT = 4"),
        ("A", "constant", "size: Field(le=9)", "size: Field(le=10)"),
        ("A.check", "constant", "def check(self, what: Literal[1]=2) -> Literal[4]:",
         "def check(self, what: Literal[1]=3) -> Literal[4]:"),
        ("A.check", "constant", "own: Field(5) = 1.5", "own: Field(5) = 2.5"),
        ("A.check", "condition", "if not self.a < what or self.b:", "if self.b:"),
        ("A.check", "condition", "if not self.a < what or self.b:", "if not self.a < what:"),
        ("A.check", "comparison", "if not self.a < what or self.b:", "if not self.a < what and self.b:"),
        ("A.check", "comparison", "if not self.a < what or self.b:", "if self.a < what or self.b:"),
        ("A.check", "comparison", "if not self.a < what or self.b:", "if not self.a <= what or self.b:"),
        ("A.check", "refusal", "raise ValueError(f'7 {what[0]}')", "pass"),
        ("A.check", "constant", "raise ValueError(f'7 {what[0]}')", "raise ValueError(f'7 {what[1]}')"),
        ("A.check", "call", "self.verify()", "pass"),
    ]  # fmt: skip


def test_each_change_is_made_alone() -> None:
    source = "def f(a, b):\n    if a > 1 and b:\n        raise ValueError\n    return a\n"
    texts = [text for _, text in mutants("m.py", source)]
    assert len(set(texts)) == len(texts) == 6
    assert source.strip() not in texts


def test_equal_changes_in_one_function_are_counted() -> None:
    source = "def f(a):\n    a.check()\n    a.check()\n"
    assert [m.which for m, _ in mutants("m.py", source)] == [1, 2]


def test_every_survivor_is_still_a_change_and_has_its_reason() -> None:
    reasons = argued()
    existing = {
        mutant.key
        for name in {key[0] for key in reasons}
        for mutant, _ in mutants(name, (ROOT / name).read_text("utf-8"))
    }
    assert [key for key in reasons if key not in existing] == []
    assert [key for key, why in reasons.items() if len(why) < 20] == []
    refusals = [key for key in reasons if Mutant(*key).kind == "refusal"]
    assert [key for key in refusals if not reasons[key].startswith("unreachable: ")] == []


def test_every_test_that_is_to_notice_exists() -> None:
    assert [name for tests in TESTED_BY.values() for name in tests if not (ROOT / name).is_file()] == []
    assert len(modules(("exchange", "formats", "keys", "privacy"))) > 30
