"""Every error has a reason that the catalogue explains, and every reason of the catalogue is used."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import privxray
from privxray import errors
from privxray.explanations.catalogue import glossary, reasons
from privxray.explanations.pages import main

PACKAGE = Path(privxray.__file__).parent
DOCS = Path(__file__).parents[2] / "docs"
CLASSES = {
    name: kind.exit_code
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.PrivxrayError)
}
# Functions that make an error of a reason that they are given, by the exit code of that error.
MAKERS = {"broken_row": 11, "unusable": 11, "canonical.decode": 11, "canonical.from_base64": 11}
# Words of help texts, tables and messages that a data officer may not know.
NEEDED = """
adjacency, aggregate, answer, audit, balanced accuracy, Basic Profile, budget, canary, card, clipping,
clipping norm, cohort, constants, coordinator, corrupt hospital, corrupt keyholder, data set, delta, digest,
dp-sgd, encrypted inference, epsilon, error, features, finding, fingerprint, global model,
gradient inversion, held-out patients, key words, keyholder, ledger, lifetime limit, linear probe, macro AUC,
marker, mask, MCC, membership inference, method, minimum cohort, n_max, noise, noise over sensitivity, notice,
OCR, offer, option, passphrase, plan, pneumonia AUC, private attribute, profile, pseudonym, query, reason,
replace-one, request, reserved, ROC, roster, round, run, safetensors, sampling rate, sensitivity, share,
share file, split, strict, study, survivor, threshold, TPR, trustee, UID, update, views, weights, workspace
"""


def raised() -> Iterator[tuple[str, str, ast.expr | None]]:
    """Place, class and reason of every error that the package makes."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called in CLASSES or called in MAKERS:
                reason = next((word.value for word in node.keywords if word.arg == "reason"), None)
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", called, reason


def literals(reason: ast.expr) -> Iterator[str]:
    """The names that an expression can give: a literal, or one literal or another."""
    if isinstance(reason, ast.IfExp):
        yield from literals(reason.body)
        yield from literals(reason.orelse)
    elif isinstance(reason, ast.Constant):
        yield str(reason.value)


def test_every_error_has_a_reason() -> None:
    assert [place for place, _, reason in raised() if reason is None] == []


def test_reasons_are_listed_with_the_exit_code_of_their_error() -> None:
    known = reasons()
    wrong = [
        (place, kind, name)
        for place, kind, reason in raised()
        for name in ([] if reason is None else literals(reason))
        if name not in known or known[name].exit_code != (CLASSES | MAKERS)[kind]
    ]
    assert wrong == []


def test_every_listed_reason_is_used() -> None:
    source = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    assert [name for name in reasons() if f'"{name}"' not in source] == []


def test_reasons_are_written_for_people() -> None:
    for reason in reasons().values():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)?", reason.name)
        for text in (reason.cause, reason.remedy):
            assert text.endswith((".", "`")), reason.name
            assert "|" not in text, reason.name  # it goes into a table
    for word, meaning in glossary().items():
        assert meaning.endswith("."), word
        assert "|" not in meaning, word


def test_the_glossary_has_every_word_that_needs_it() -> None:
    known = {word.casefold() for word in glossary()}
    needed = [word.strip() for word in NEEDED.replace("\n", " ").split(",")]
    assert [word for word in needed if word.casefold() not in known] == []


def test_the_glossary_has_only_words_that_privxray_prints() -> None:
    files = [p for p in PACKAGE.rglob("*") if p.suffix in (".py", ".html") and "explanations" not in p.parts]
    printed = spelled(" ".join(path.read_text("utf-8") for path in files))
    assert [word for word in glossary() if not re.search(rf"\b{spelled(word)}s?\b", printed)] == []


def spelled(text: str) -> str:
    """Without case, without quotes at the ends of lines, and with one blank for each dash or break."""
    return re.sub(r"[-_\s]+", " ", re.sub(r'" *\n\s*f?"', "", text.casefold()))


def test_the_glossary_is_in_the_order_of_the_alphabet() -> None:
    source = (PACKAGE / "explanations" / "glossary.toml").read_text("utf-8")
    words = [word.casefold() for word in tomllib.loads(source)]
    assert words == sorted(words)


def test_docs_say_what_the_catalogue_says(tmp_path: Path) -> None:
    main(tmp_path)
    for page in ("REASONS.md", "GLOSSARY.md"):
        assert (DOCS / page).read_text("utf-8") == (tmp_path / page).read_text("utf-8"), (
            "python -m privxray.explanations.pages docs"
        )


@pytest.mark.parametrize("name", ["usage", "system.memory"])
def test_a_reason_is_found_by_its_name(name: str) -> None:
    assert reasons()[name].name == name
