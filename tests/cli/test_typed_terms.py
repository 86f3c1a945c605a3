"""The terms of a plan, as options and in a file: each refusal names the term, and says what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from annotated_types import Ge, Gt
from played_study import PATIENT, At

from privxray.cli.options.plan_options import TermsOptions
from privxray.cli.options.typed_terms import TermsFields, read_terms
from privxray.errors import PrivxrayError, StrangeFileError, UsageError
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.sharing.committee import Committee

OPTIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a class with a capital": (
        {"classes": "Normal,virus"},
        "plan-option.class-name",
        "--classes can't have the class 'Normal': a class has up to 40 small letters (a to z), digits, "
        "blanks, dashes and underscores, with a letter first. Write normal",
    ),
    "a class that is empty": (
        {"classes": "normal,,virus"},
        "plan-option.class-name",
        "--classes can't have the class '': a class has up to 40 small letters (a to z), digits, blanks, "
        "dashes and underscores, with a letter first",
    ),
    "one class": (
        {"classes": "normal"},
        "plan-option.class-count",
        "--classes can't be 'normal': it has to be 2 to 50 classes",
    ),
    "a class twice": (
        {"classes": "normal, virus,normal"},
        "plan-option.class-twice",
        "--classes names a class twice. Write each class once",
    ),
    "no rounds": (
        {"rounds": 0},
        "plan-option.rounds",
        "--rounds can't be '0': it has to be a whole number from 1 to 1000",
    ),
    "no epsilon": (
        {"epsilon": 0.0},
        "epsilon.out-of-range",
        "--epsilon can't be '0.0': it has to be a number above 0 and at most 100",
    ),
    "an epsilon that is no number": (
        {"epsilon": float("nan")},
        "epsilon.out-of-range",
        "--epsilon can't be 'nan': it has to be a number above 0 and at most 100",
    ),
    "a large delta": (
        {"delta": 0.5},
        "delta.out-of-range",
        "--delta can't be '0.5': it has to be a number above 0 and at most 0.001",
    ),
    "no threshold": (
        {"threshold": 0},
        "plan-option.threshold",
        "--threshold can't be '0': it has to be a whole number from 1 to 16",
    ),
    "less than no corrupt keyholder": (
        {"corrupt_keyholders": -1},
        "plan-option.corrupt-keyholders",
        "--corrupt-keyholders can't be '-1': it has to be a whole number from 0 to 16",
    ),
    "too many corrupt hospitals": (
        {"corrupt_hospitals": 101},
        "plan-option.corrupt-hospitals",
        "--corrupt-hospitals can't be '101': it has to be a whole number from 0 to 100",
    ),
    "too large a cohort": (
        {"minimum_cohort": 101},
        "plan-option.minimum-cohort",
        "--minimum-cohort can't be '101': it has to be a whole number from 0 to 100",
    ),
    "a threshold in a strict plan": (
        {"threshold": 3},
        "plan.keyholders-in-strict-mode",
        "terms of keyholders are given, and the mode is strict, which has none. Type --mode keyholders as "
        "well, or leave those terms out",
    ),
}

FILES = {
    "rounds: 0": ("terms.out-of-range", "rounds has to be a whole number from 1 to 1000"),
    "rounds: yes": ("terms.out-of-range", "rounds has to be a whole number from 1 to 1000"),
    "threshold: yes": ("terms.out-of-range", "threshold has to be a whole number from 1 to 16"),
    "mode: lenient": ("terms.out-of-range", "mode has to be strict or keyholders"),
    "constants: 3": ("terms.out-of-range", "constants has to be a mapping of constants to values"),
    "classes: [Normal, virus]": (
        "terms.out-of-range",
        "classes has to be 2 to 50 classes, none twice, each of up to 40 small letters (a to z), digits, "
        "blanks, dashes and underscores, with a letter first",
    ),
    f"{PATIENT}: 1960-03-14": ("terms.unknown-term", "it holds something that is not a term of a plan"),
    f"- {PATIENT}": ("terms.not-terms", "this is not a plan's terms"),
    "a: [": ("terms.not-terms", "this is not a plan's terms"),
    "#" * 100_001: ("terms.not-terms", "this is not a plan's terms"),
}


def refused(kind: type[PrivxrayError], path: Path | None, options: dict[str, Any]) -> PrivxrayError:
    with pytest.raises(kind) as caught:
        read_terms(path, options)
    assert type(caught.value) is kind
    return caught.value


@pytest.mark.parametrize("case", OPTIONS)
def test_an_option_is_refused_by_its_name_with_what_was_given_and_what_is_allowed(case: str) -> None:
    options, reason, words = OPTIONS[case]
    error = refused(UsageError, None, options)
    assert (error.exit_code, error.reason, str(error)) == (2, reason, words)


@pytest.mark.parametrize("text", FILES, ids=lambda text: text[:20])
def test_a_file_is_refused_by_the_name_of_the_term_and_without_its_contents(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "terms.yaml"
    path.write_text(text)
    error = refused(StrangeFileError, path, {"epsilon": 3.0})
    assert (error.exit_code, error.reason, error.what) == (11, *FILES[text])
    assert PATIENT not in str(error)


def test_options_win_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "terms.yaml"
    path.write_text("rounds: 3\nepsilon: 2\nmode: keyholders\nthreshold: 3\nconstants: {n_max: 500}\n")
    terms = read_terms(path, {"epsilon": 1.0, "keyholders": ["hospital-a"], "classes": "a, b"})
    assert (terms.rounds, terms.epsilon, terms.delta, terms.classes) == (3, 1.0, None, ("a", "b"))
    assert terms.constants == {"n_max": 500}
    assert terms.committee is not None
    assert (terms.committee.threshold, terms.committee.hospitals) == (3, ("hospital-a",))


def test_only_what_was_typed_counts_as_typed() -> None:
    assert TermsOptions().typed() == {}
    assert TermsOptions(keyholders=[]).typed() == {}
    assert TermsOptions(epsilon=0.0).typed() == {"epsilon": 0.0}


def test_the_ranges_are_those_of_a_plan() -> None:
    for name, model, theirs in (
        ("rounds", PlanHeader, "stages"),
        ("epsilon", PlanHeader, "epsilon"),
        ("delta", PlanHeader, "delta"),
        ("threshold", Committee, "threshold"),
        ("corrupt_keyholders", Committee, "corrupt_keyholders"),
        ("corrupt_hospitals", Committee, "corrupt_hospitals"),
        ("minimum_cohort", Committee, "minimum_cohort"),
    ):
        (own, _) = get_args(TermsFields.model_fields[name].annotation)
        (field,) = get_args(own)[1:]
        planned = list(model.model_fields[theirs].metadata)
        if name == "epsilon":  # a plan that only agrees on keys has none, and no other plan may
            assert planned[0] == Ge(0)
            planned[0] = Gt(0)
        assert field.metadata == planned, name


def test_a_coordinator_reads_it_in_one_line(at: At) -> None:
    world = at("initialised")
    result = world.type(
        "coordinator", "plan", "cards/*.card", "--classes", "Normal,virus", "--json", asks=True
    )
    assert (result.code, result.json["error"]["reason"]) == (2, "plan-option.class-name")
    assert not (world["coordinator"] / "plan-0001.plan").exists()
