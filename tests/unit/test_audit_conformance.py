"""The conformance audit finds engines that were broken on purpose, and leaves the intact ones alone.

Engines draw afresh. An audit flags an intact one once in 1,000 times, so three are allowed to find one good
run: :func:`intact`. What the statistics are tried on is seeded. tests/benchmarks/conformance.py repeats what
stands here, and counts.
"""

from __future__ import annotations

import ast
import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from broken_engines import BROKEN, CLAIM, CLASSES, Broken
from chance import Seeded, once_in

from privxray.audit import caveats
from privxray.audit.conformance import noise_tests
from privxray.audit.conformance.awkward_patients import awkward_patients
from privxray.audit.conformance.noise_tape import NoiseTape
from privxray.audit.conformance.verdict import ERROR, Check, Conformance
from privxray.learning import methods
from privxray.learning.dp_sgd import averaged_weights, trainer
from privxray.learning.dp_sgd.dp_sgd_method import RECIPE
from privxray.privacy.noise import SecureNoise
from privxray.workflow.auditing import conformance_audit
from privxray.workflow.auditing.audited_patients import INVENTED, AuditedPatients
from privxray.workflow.auditing.claim import Claim
from privxray.workflow.auditing.conformance_audit import audit_conformance, conformance_constants
from privxray.workflow.auditing.conformance_outcome import conformance_outcome
from privxray.workflow.auditing.outcome import AuditSubject

METHODS = ("linear-probe", "dp-sgd")
STATED = Claim(CLAIM.epsilon, CLAIM.delta)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def audited(name: str, engine: Broken | None = None, trainings: int = 1) -> Conformance:
    engine = engine or Broken()
    with engine.patch():
        return audit_conformance(
            engine.change(methods.get(name)), STATED, INVENTED, trainings, source=engine.source()
        )


def intact(audit: Callable[[], Conformance]) -> Conformance:
    """An audit whose tests flag nothing, the best of three. What holds exactly has to hold in each.

    Tests flag an intact engine in at most 1 audit of 1,000, by Bonferroni's bound. So all three do with 1e-9.
    """

    def attempt() -> Conformance:
        found = audit()
        if faults := [check for check in found.checks if check.fault]:
            pytest.fail(str(faults))  # at once, for no chance is in it
        assert not found.flagged, found.faults
        return found

    return once_in(3, attempt)


# Engines


@pytest.mark.parametrize("name", METHODS)
def test_the_intact_engine_is_not_flagged(name: str) -> None:
    found = intact(lambda: audited(name, trainings=3))
    assert len(found.checks) == (5 if name == "linear-probe" else 4)
    assert len(found.tests) >= 16
    # 296 features, 3 counts and 40 gradients of 3 x 297; 16,003 weights in 8 steps.
    assert found.values == 3 * (299 + 40 * 891 if name == "linear-probe" else 8 * 16003)
    assert found.smallest_seen < 1.02


@pytest.mark.parametrize(("name", "engine"), [(name, engine) for name in METHODS for engine in BROKEN[name]])
def test_a_broken_engine_is_flagged(name: str, engine: str) -> None:
    # Noise that is wrong is 8 or more standard errors beyond the level, and clips are checked exactly. But
    # of patients sampled too often, one training takes 144 of 192 (SD 6), and 125 are flagged: it would pass
    # once in 1,200 times. Two take 288 of 384 (SD 8.5), and 233 are flagged: 2e-10.
    found = audited(name, BROKEN[name][engine], trainings=2 if engine == "patients sampled too often" else 1)
    assert found.flagged
    assert found.faults


SEEN_BY_CHANCE_ALONE = {
    "noise divided by 1.05": "variance of all noise",
    "noise reused in every step": "correlation between steps",
    "noise cut at one deviation": "largest noise",
    "noise without tails": "form of all noise",
    "one class without noise": "variance by class",
    "no noise on the counts": "variance by part",
    "batches of a fixed size": "patients sampled, by step, spread",
    "patients sampled too often": "patients sampled",
}


@pytest.mark.parametrize(("engine", "test"), SEEN_BY_CHANCE_ALONE.items())
def test_each_mistake_is_seen_by_the_test_that_is_there_for_it(engine: str, test: str) -> None:
    name = "linear-probe" if engine in BROKEN["linear-probe"] else "dp-sgd"
    found = audited(name, BROKEN[name][engine], trainings=2)
    assert test in [one.name for one in found.flagged_tests]
    # The source of noise is broken here, and the engine is not: it does with the noise what it should.
    assert not [check for check in found.checks if check.fault]


def test_an_exact_vector_that_leaves_is_seen_bit_for_bit() -> None:
    def attempt() -> Conformance:
        found = audited("linear-probe", BROKEN["linear-probe"]["an exact vector leaves"])
        assert not found.flagged_tests
        return found

    found = once_in(3, attempt)  # by chance, tests flag once in 1,000 audits: all three with 1e-9
    assert [check.fault for check in found.checks if check.fault] == [
        "weights, centre, counts can't be computed from them"
    ]


@pytest.mark.parametrize("engine", ["clipped by layer", "clipped by batch"])
def test_another_clip_is_seen_though_the_noise_is_right(engine: str) -> None:
    found = audited("dp-sgd", BROKEN["dp-sgd"][engine])
    assert "standard deviations" in " ".join(check.fault for check in found.checks)


def test_a_larger_claim_and_public_features_are_audited_as_well() -> None:
    probe = methods.get("linear-probe")
    drawn = awkward_patients(probe, probe.constants({"feature_dim": 20}), 12, SecureNoise())
    public = AuditedPatients(drawn, ("a", "b", "c", "d"), "12 patients of a public data set")
    found = intact(lambda: audit_conformance(methods.get("linear-probe"), Claim(6.0, 1e-5), public, 2))
    assert found.values == 2 * (24 + 40 * 84)


def test_noise_that_does_not_keep_the_claim_is_told_though_it_is_what_was_charged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Claim, "noise", lambda *_: 3.5)
    found = audited("linear-probe")
    faults = {check.name: check.fault for check in found.checks if check.fault}
    assert list(faults) == ["The noise keeps the claim, by the closed form"]


def test_a_charge_for_other_noise_or_for_fewer_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = type(methods.get("linear-probe"))
    real = probe.round_events
    monkeypatch.setattr(probe, "round_events", lambda self, given, noise: real(self, given, 1.01 * noise))
    faults = [check.name for check in audited("linear-probe").checks if check.fault]
    assert faults[0] == "The ledger is charged for this noise"
    monkeypatch.setattr(probe, "round_events", lambda *given: real(*given)[:-1])
    found = audited("linear-probe")
    assert [check.name for check in found.checks] == ["Each answer that is charged is given"]
    assert "41 answers were given" in found.checks[0].fault
    assert found.flagged


def test_answers_that_are_not_finite_are_told() -> None:
    found = audited("linear-probe", BROKEN["linear-probe"]["nothing clipped"])
    assert [check.name for check in found.checks] == ["Every answer is finite and can be read"]
    assert found.smallest_seen == math.inf


@pytest.mark.parametrize(
    ("name", "constants"),
    [
        ("linear-probe", {"feature_dim": 40}),  # the first recipe: clamped, even noise, no weight by mu
        ("linear-probe", {"feature_dim": 30, "steps": 1, "averaged_share": 0.01, "weight_cap": 20.0}),
        ("dp-sgd", {"image_size": 16, "sampling_rate": 1.0, "steps": 2, "momentum": 0.0}),
        (
            "dp-sgd",
            {
                "image_size": 16,
                "sampling_rate": 0.02,
                "steps": 6,
                "views": 3,
                "view_flip": False,
                "view_shift": 1,
            },
        ),
        ("dp-sgd", {"image_size": 16, "steps": 3, "averaging": 0.6}),
        ("dp-sgd", {**RECIPE, "steps": 4}),
        ("dp-sgd", {**RECIPE, "steps": 3, "views": 3, "view_shift": 1, "sampling_rate": 0.5}),
    ],
)
def test_other_constants_conform_as_well(
    monkeypatch: pytest.MonkeyPatch, name: str, constants: dict[str, object]
) -> None:
    """Plans of earlier versions, no momentum, nobody sampled in some steps, other views; the recipe of new
    plans, which is averaged and sees maps.
    """
    monkeypatch.setattr(
        conformance_audit, "conformance_constants", lambda method: method.constants(constants)
    )
    intact(lambda: audited(name))


@pytest.mark.parametrize("name", ["the last weights", "another decay"])
def test_another_average_than_the_plan_s_is_seen(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    constants = {**RECIPE, "steps": 3}
    monkeypatch.setattr(
        conformance_audit, "conformance_constants", lambda method: method.constants(constants)
    )
    weights = trainer.Trainer.weights if name == "the last weights" else None
    decay = averaged_weights.AveragedWeights.__init__
    with monkeypatch.context() as patch:
        if weights:
            patch.setattr(trainer.Trainer, "averaged_weights", weights)
        else:
            patch.setattr(
                averaged_weights.AveragedWeights, "__init__", lambda self, given: decay(self, given / 2)
            )
        found = audited("dp-sgd")
    assert [check.name for check in found.checks if check.fault] == [
        "What leaves follows from the noisy answers, bit for bit"
    ]


# Whom it trains on, and what it writes down


@pytest.mark.parametrize("name", METHODS)
def test_awkward_patients_have_one_to_four_images(name: str) -> None:
    method = methods.get(name)
    constants = conformance_constants(method)
    data = awkward_patients(method, constants, 12, SecureNoise())
    assert np.bincount(data.patients).tolist() == [1, 2, 3, 4] * 3
    assert set(data.labels.tolist()) <= {0, 1, 2}
    if name == "linear-probe":
        assert sum(not np.isfinite(row).all() for row in data.inputs) == 2
        assert sum(not row.any() for row in data.inputs) == 1


def test_a_tape_has_every_draw_in_order() -> None:
    tape = NoiseTape(SecureNoise())
    first, second = tape.gaussian((2, 3), 2.0), tape.gaussian((1,), 1.0)
    chances = tape.uniform(4)
    assert tape.gaussians().tolist() == [*first.ravel(), *second]
    assert [values.tolist() for values in tape.uniforms()] == [chances.tolist()]
    assert NoiseTape(SecureNoise()).gaussians().size == 0


# The statistics


NULLS = {
    "variance": lambda z: noise_tests.variance("", z.reshape(4, -1)),
    "mean": lambda z: noise_tests.mean("", z),
    "largest": lambda z: noise_tests.largest("", z),
    "shape": lambda z: noise_tests.shape("", z),
    "correlation": lambda z: noise_tests.correlation("", z.reshape(12, -1)),
    "repeats": lambda z: noise_tests.repeats("", z.reshape(4, -1)),
}


@pytest.mark.parametrize("name", NULLS)
def test_p_values_of_independent_noise_are_small_as_seldom_as_they_say(name: str) -> None:
    values = Seeded(1).gaussian((1000, 1200), 1.0)
    found = np.array([NULLS[name](row).p for row in values])
    assert (found > 0.0).all()
    assert (found <= 1.0).all()
    # 5 % of 1,000 have a standard deviation of 6.9: 90 are 5.8 above it.
    assert (found <= 0.05).sum() <= 90
    if name != "repeats":  # many lags at once: Bonferroni's bound is loose
        assert (found <= 0.05).sum() >= 15


def test_a_correlation_has_the_p_value_of_students_t() -> None:
    from scipy.stats import t

    rows = Seeded(2).gaussian((2, 9), 1.0)
    r = rows[0] @ rows[1] / math.sqrt((rows[0] @ rows[0]) * (rows[1] @ rows[1]))
    wanted = 2.0 * t.sf(abs(r) * math.sqrt(8 / (1 - r * r)), 8)
    assert noise_tests.correlation("", rows).p == pytest.approx(wanted)
    assert noise_tests.correlation("", np.ones((2, 1))).p == 1.0


def test_a_variance_has_the_p_value_of_chi_square() -> None:
    # Two numbers: the sum of squares is exponential with the mean 2.
    assert noise_tests.variance("", np.array([[3.0, 3.0]])).p == pytest.approx(2 * math.exp(-9.0))
    assert noise_tests.variance("", np.array([[3.0, 3.0], [1.0, 1.0]])).p == pytest.approx(4 * math.exp(-9.0))
    assert noise_tests.variance("", np.zeros((1, 3))).p == 0.0


def test_the_largest_of_few_is_judged_from_both_sides() -> None:
    assert noise_tests.largest("", np.full(1000, 0.9)).p < 1e-100
    assert noise_tests.largest("", np.array([7.0, 0.0])).p < 1e-10
    assert noise_tests.largest("", np.array([7.0, 0.0])).p > 0.0
    assert noise_tests.largest("", np.zeros(2)).p == pytest.approx(0.0, abs=1e-12)


def test_repeated_noise_is_seen_wherever_it_repeats() -> None:
    fresh = Seeded(3).gaussian((3, 400), 1.0)
    assert noise_tests.repeats("", np.concatenate([fresh, fresh], axis=1)).p < 1e-9
    assert noise_tests.repeats("", np.concatenate([fresh, -fresh], axis=1)).p < 1e-9


def test_a_count_is_judged_by_the_binomial() -> None:
    assert noise_tests.frequency("", 0, 10, 0.5).p == pytest.approx(2 * 0.5**10)
    even = noise_tests.evenness("", np.full(8, 2), 4, 0.5)
    assert even.p == pytest.approx((6 / 16) ** 8)
    assert even.seen == "8 of 8 counts are 2"


# The verdict


QUIET = Conformance(
    STATED, 1, 1000, [Check("it holds")], [noise_tests.NoiseTest("size", 0.3, "as it should be")] * 10
)


def test_one_error_is_shared_by_all_tests() -> None:
    assert QUIET.level == pytest.approx(ERROR / 10)
    assert not QUIET.flagged
    just = dataclasses.replace(QUIET.tests[0], p=ERROR / 10)
    flagged = dataclasses.replace(QUIET, tests=[*QUIET.tests[1:], just])
    assert flagged.flagged
    assert flagged.faults == ["size: as it should be (p 1.0e-04)"]
    broken = dataclasses.replace(QUIET, checks=[Check("it holds", "it does not")])
    assert broken.faults == ["it holds: it does not"]


def test_the_outcome_says_what_was_looked_at_and_what_could_not_be_seen() -> None:
    subject = AuditSubject("linear-probe", "invented patients")
    quiet = conformance_outcome(QUIET, subject)
    failed = dataclasses.replace(QUIET, checks=[Check("it holds", "it does not")])
    broken = conformance_outcome(failed, subject)
    assert (quiet.page.flagged, broken.page.flagged) == (False, True)
    assert quiet.finding == "does-otherwise"
    assert "1 checks hold, and none of 10 tests" in quiet.page.verdict
    assert broken.page.verdict == "Training does otherwise than it claims: it holds: it does not"
    told = broken.to_json()
    assert set(told) == {
        "audit", "method", "patients", "epsilon", "delta", "adjacency", "trainings", "values", "error",
        "level", "checks", "tests", "flagged", "cannot_show",
    }  # fmt: skip
    assert told["checks"] == [{"name": "it holds", "fault": "it does not"}]
    assert told["tests"][0] == {"name": "size", "p": 0.3, "seen": "as it should be", "flagged": False}
    assert told["cannot_show"] == caveats.of_conformance(QUIET)
    nothing = dataclasses.replace(QUIET, values=0)
    assert nothing.smallest_seen == math.inf


# Independence


def test_the_second_computation_uses_nothing_of_the_engine_but_the_form_of_the_network() -> None:
    folder = Path(__file__).parents[2] / "privxray" / "audit" / "conformance"
    imported = {
        node.module
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    engine = [
        name
        for name in imported
        if name.startswith(("privxray.learning.dp_sgd", "privxray.learning.linear_probe"))
        or name in ("privxray.privacy.clipping", "privxray.privacy.mechanism", "privxray.privacy.sampling")
    ]
    assert engine == ["privxray.learning.dp_sgd.networks"]
    assert CLASSES


def test_counts_at_their_cap_are_computed_again_to_the_last_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    # Rounding leaves the sum of capped counts above the cap in about one training of ten; n is the cap there.
    capped = {"feature_dim": 4, "steps": 1, "weight_cap": 20.0}
    monkeypatch.setattr(conformance_audit, "conformance_constants", lambda method: method.constants(capped))
    found = audit_conformance(methods.get("linear-probe"), STATED, INVENTED, 100, source=Seeded(1))
    assert [check.fault for check in found.checks if check.fault] == []
