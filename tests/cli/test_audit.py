"""``privxray audit`` by the command: reports, refusals, and what an audit on own patients costs.

All noise is seeded: an audit flags an intact engine about once in 500 runs, and there are dozens here.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from broken_engines import ImageUnit
from chance import seed_noise
from played_study import At, World, draw_images, typed
from played_study import _joined as join

from privxray.audit.canaries import Planted
from privxray.audit.probe_canaries import ProbeCanaries
from privxray.audit.sgd_canaries import SgdCanaries
from privxray.learning import methods
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger
from privxray.workflow.auditing import public_data_set
from privxray.workflow.auditing.own_patients import audit_own
from privxray.workflow.ledger.runs import AUDITS

ONE_RUN = ("audit", "one-run", "--own", "--canaries", "40")


@pytest.fixture(autouse=True)
def _seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    seed_noise(monkeypatch, 1)


def charged(world: World, party: str = "hospital-a") -> Any:
    return Ledger.open(world[party] / "ledger.db").events(AUDITS)


def test_a_one_run_audit_of_invented_patients_needs_no_workspace(tmp_path: Path) -> None:
    page = tmp_path / "audit.html"
    line = ["-C", str(tmp_path), "audit", "one-run", "--canaries", "60", "--report", str(page), "--json"]
    told = typed(line)
    assert told.code == 0, told.err
    found = told.json
    assert found["ceiling"] > 2.5 > 1.0 >= found["lower_bound"]
    assert any("So few canaries can't refute" in caveat for caveat in found["cannot_show"])
    html = page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600
    assert "data:image/png;base64," in html
    assert all(caveat.split("'")[0] in html for caveat in found["cannot_show"])
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")
    again = typed(line)
    assert (again.code, again.json["error"]["reason"]) == (4, "file.exists")
    assert page.read_text() == html
    nowhere = typed([*line[:-2], str(tmp_path / "nowhere" / "audit.html"), "--json"])
    assert (nowhere.code, nowhere.json["error"]["reason"]) == (2, "file.no-folder")
    text = typed(["audit", "one-run", "--canaries", "20", "--epsilon", "6"])
    assert "could not have refuted it" in " ".join(text.err.split())


def test_a_broken_engine_is_exit_3_and_the_report_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    intact = methods.get("linear-probe")
    monkeypatch.setattr(methods, "get", lambda _: ImageUnit(intact))
    page = tmp_path / "page.html"
    told = typed(["--verbose", "audit", "one-run", "--canaries", "60", "--report", str(page), "--json"])
    assert told.code == 3
    assert told.json["flagged"]
    assert told.json["lower_bound"] > 1.0
    assert "reason: audit.more-than-claimed" in told.err
    assert "is refuted" in page.read_text()
    assert "Don&#39;t train before that is explained" in page.read_text()


def test_a_conformance_audit_needs_no_workspace_and_tells_each_test(tmp_path: Path) -> None:
    page = tmp_path / "audit.html"
    line = ["-C", str(tmp_path), "audit", "conformance", "--trainings", "1", "--report", str(page), "--json"]
    told = typed(line)
    assert told.code == 0, told.err
    assert told.json["error"] == 0.001
    assert not any(test["flagged"] for test in told.json["tests"])
    assert "Bonferroni" in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600


def test_training_that_does_otherwise_than_it_claims_is_exit_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    intact = methods.get("linear-probe")
    monkeypatch.setattr(methods, "get", lambda _: ImageUnit(intact))
    page = tmp_path / "page.html"
    line = ["audit", "conformance", "--trainings", "1", "--report", str(page), "--json"]
    told = typed(line)
    assert told.code == 3
    assert told.json["flagged"] is True
    assert "Training does otherwise than it claims" in page.read_text()
    assert "training does otherwise than it claims" in told.err


@pytest.mark.parametrize("kind", ["conformance", "one-run", "membership", "inversion"])
def test_public_patients_by_dp_sgd(tmp_path: Path, kind: str) -> None:
    labels = draw_images(tmp_path, 3, patients=24)
    few = {
        "conformance": ["--method", "dp-sgd", "--trainings", "1"],
        "one-run": ["--method", "dp-sgd", "--canaries", "6", "--guesses", "4"],
        "membership": [],
        "inversion": ["--number", "1", "--steps", "2", "--restarts", "1"],
    }
    page = tmp_path / "page.html"
    told = typed(["audit", kind, "--public", str(labels), *few[kind], "--report", str(page), "--json"])
    assert told.code == 0, told.err
    assert told.json["patients"] == "24 patients of a public data set"
    names = [path.stem for path in (tmp_path / "images").iterdir()]
    assert not any(name in page.read_text() + told.out for name in names)


REFUSED = [
    (2, "audit.more-guesses-than-canaries", ("one-run", "--guesses", "11", "--canaries", "10")),
    (2, "epsilon.out-of-range", ("one-run", "--epsilon", "0")),
    (2, "epsilon.out-of-range", ("membership", "--epsilon", "nan")),
    (2, "delta.out-of-range", ("inversion", "--delta", "2")),
    (2, "audit.images-without-public", ("one-run", "--images", "somewhere")),
    (2, "audit.study-without-own", ("membership", "--study", "pneumonia")),
    (2, "audit.report-of-own-patients", ("one-run", "--own", "--report", "x.html")),
    (2, "audit.own-and-public", ("membership", "--own", "--public", "labels.csv")),
    (2, "audit.too-many-canaries", ("one-run", "--method", "dp-sgd", "--canaries", "4001")),
    (4, "audit.inversion-of-own-patients", ("inversion", "--own")),
    (4, "audit.conformance-of-own-patients", ("conformance", "--own")),
    (1, "labels.absent", ("membership", "--public", "missing.csv")),
]


@pytest.mark.parametrize(("code", "reason", "words"), REFUSED)
def test_what_can_t_be_meant_is_refused(at: At, code: int, reason: str, words: tuple[str, ...]) -> None:
    world = at("joined")
    result = world.type("hospital-a", "audit", *words, "--json")
    assert (result.code, result.json["error"]["reason"]) == (code, reason)
    assert len(result.err.strip().splitlines()) == 1, result.err
    assert not list(world["hospital-a"].glob("audits/*"))
    assert charged(world) == ()


def test_an_audit_on_own_patients_needs_a_data_set(at: At) -> None:
    world = at("joined")
    result = world.type("hospital-a", "audit", "one-run", "--own", "--json")
    assert (result.code, result.json["error"]["reason"]) == (10, "dataset.no-patient")
    assert charged(world) == ()


def refusal_of_public(labels: Path, *words: str) -> tuple[int, str]:
    """The exit code and the reason of an audit on a public data set."""
    kind, *options = words
    result = typed(["audit", kind, "--public", str(labels), *options, "--json"])
    return result.code, result.json["error"]["reason"]


def test_a_public_data_set_that_is_no_use_is_refused(tmp_path: Path) -> None:
    labels = draw_images(tmp_path, 3, patients=4)
    whole = labels.read_text()
    labels.write_text(whole.replace("patient,", "person,", 1))
    assert refusal_of_public(labels, "membership") == (11, "audit.patient-column-missing")
    labels.write_text(whole.replace("bacteria", "normal").replace("virus", "normal"))
    assert refusal_of_public(labels, "membership") == (11, "audit.one-class")
    labels.write_text(whole)
    assert refusal_of_public(labels, "membership") == (4, "audit.too-few-patients")
    assert refusal_of_public(labels, "inversion", "--number", "8") == (4, "audit.no-images-to-compare")


def test_of_a_large_public_data_set_some_patients_are_picked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = draw_images(tmp_path, 3, patients=24)
    monkeypatch.setattr(public_data_set, "MOST", 20)
    line = ["audit", "inversion", "--number", "1", "--steps", "1", "--restarts", "1"]
    told = typed([*line, "--public", str(labels), "--json"])
    assert told.json["patients"] == "20 patients of a public data set"


def test_an_audit_on_own_patients_is_charged_like_a_training_and_stays_inside(at: At) -> None:
    world = at("untrained")
    told = world.ok("hospital-a", *ONE_RUN)
    probe = methods.get("linear-probe")
    constants = probe.constants(probe.recipe)
    noise = probe.plan_noise(constants, Guarantee(1.0, 1e-5), rounds_left=1, past=())
    assert set(charged(world)) == set(probe.round_events(constants, noise))
    report = Path(told["report"])
    kept = report.with_suffix(".json")  # what is shown where it is typed again
    assert {report, kept} == set((world["hospital-a"] / "audits").iterdir())
    assert report.stat().st_mode & 0o777 == 0o600
    assert report.parent.stat().st_mode & 0o777 == 0o700
    assert "stays inside the hospital" in report.read_text()
    assert "carry no privacy noise" in report.read_text()
    assert 0.99 < told["lifetime"]["epsilon"] <= 1.0
    # The study itself costs what it did, and so says the update that leaves.
    trained = world.ok("hospital-a", "train", "--epsilon", "6")
    assert trained["epsilon"] <= 6.0
    assert 6.0 < trained["lifetime"]["epsilon"] < 7.0
    again = world.ok("hospital-a", *ONE_RUN, "--again")
    assert len(list((world["hospital-a"] / "audits").glob("*.html"))) == 2
    assert again["lifetime"]["epsilon"] > trained["lifetime"]["epsilon"]
    shown = world.type("hospital-a", "budget")
    assert shown.code == 0
    assert "audits" in shown.out


def test_a_ledger_put_back_from_before_an_audit_is_refused(at: At) -> None:
    world = at("untrained")
    ledger = world["hospital-a"] / "ledger.db"
    snapshot = ledger.read_bytes()
    world.ok("hospital-a", *ONE_RUN)
    ledger.write_bytes(snapshot)
    for words in (("train",), ONE_RUN):
        refused = world.type("hospital-a", *words)
        assert refused.code == 11
        assert "lacks an audit on own patients" in refused.err
    doctor = world.type("hospital-a", "doctor")
    assert "lacks an audit on own patients" in " ".join((doctor.out + doctor.err).split())


def test_an_audit_that_the_budget_lacks_is_refused_and_leaves_nothing(at: At) -> None:
    world = at("untrained")
    result = world.type("hospital-a", *ONE_RUN, "--epsilon", "50")
    assert result.code == 14, result.err
    assert charged(world) == ()
    assert list((world["hospital-a"] / "audits").iterdir()) == []


def test_an_audit_of_dp_sgd_on_own_patients_goes_by_the_plan(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    world = at("initialised")
    join(world, "--method", "dp-sgd")
    world.ok("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    line = ("audit", "one-run", "--own", "--canaries", "8")
    with monkeypatch.context() as patch:
        patch.setattr(SgdCanaries, "scores", _pull_the_plug)
        with pytest.raises(PulledPlugError):
            world.type("hospital-a", *line)
    told = world.ok("hospital-a", *line)
    assert (told["method"], told["canaries"], told["guesses"]) == ("dp-sgd", 8, 4)
    (event,) = charged(world)
    assert (event.kind, event.q, event.count) == ("gaussian", 1.0, 20)  # the plan's, not the audit's


class PulledPlugError(BaseException):
    """Stands for kill -9: nothing catches it."""


@pytest.mark.parametrize("where", ["train", "attack", "report"])
def test_an_interrupted_audit_goes_on_and_does_not_pay_twice(
    at: At, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    world = at("untrained")
    with monkeypatch.context() as patch:
        _interrupt(patch, where)
        with pytest.raises(PulledPlugError):
            world.type("hospital-a", *ONE_RUN)
    before = charged(world)
    assert before
    status = world.type("hospital-a", "status")
    assert "audit one-run --own" in status.out + status.err
    other = world.type("hospital-a", *ONE_RUN, "--epsilon", "2", "--json")
    assert (other.code, other.json["error"]["reason"]) == (4, "audit.other-options")
    assert "--epsilon 1 --delta 1e-05 --canaries 40 --guesses 40" in other.json["error"]["advice"]
    told = world.ok("hospital-a", *ONE_RUN)
    assert charged(world) == before
    report = Path(told["report"])
    assert {report, report.with_suffix(".json")} == set((world["hospital-a"] / "audits").iterdir())


@pytest.mark.parametrize("where", ["train", "report"])
def test_an_audit_whose_saved_answers_are_gone_draws_no_more_under_the_same_charge(
    at: At, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Interrupted after some answers, or after all of them, when the ledger says that the run is released."""
    world = at("untrained")
    running_folder = world["hospital-a"] / "audits" / "one-run.running"
    with monkeypatch.context() as patch:
        _interrupt(patch, where)
        with pytest.raises(PulledPlugError):
            world.type("hospital-a", *ONE_RUN)
    before = charged(world)
    shutil.rmtree(running_folder / "answers")
    refused = world.type("hospital-a", *ONE_RUN)
    assert refused.code == 14
    assert "of this training is gone" in refused.err
    assert "one-run.running to give the audit up" in refused.err
    assert not list((running_folder / "answers").iterdir())
    assert charged(world) == before
    shutil.rmtree(running_folder)
    world.ok("hospital-a", *ONE_RUN)
    assert sum(event.count for event in charged(world)) == 2 * sum(event.count for event in before)


def _pull_the_plug(*_: Any) -> None:
    raise PulledPlugError


def _interrupt(patch: pytest.MonkeyPatch, where: str) -> None:
    """Make the next one-run audit end after some steps of the training, before the attack, or at its end."""

    def after_some_steps(done: int, _: int) -> None:
        if done == 4:
            raise PulledPlugError

    if where == "train":
        real = Planted.train
        patch.setattr(
            Planted,
            "train",
            lambda planted, method, task, drawing: real(
                planted, method, task, replace(drawing, progress=after_some_steps)
            ),
        )
    elif where == "attack":
        patch.setattr(ProbeCanaries, "scores", _pull_the_plug)
    else:
        patch.setattr(audit_own, "keep_report", _pull_the_plug)


def test_other_patients_in_between_are_refused(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    world = at("untrained")
    with monkeypatch.context() as patch:
        patch.setattr(ProbeCanaries, "scores", _pull_the_plug)
        with pytest.raises(PulledPlugError):
            world.type("hospital-a", *ONE_RUN)
    folder = world["hospital-a"] / "more"
    shutil.rmtree(world["hospital-a"] / "source")
    draw_images(folder, 9)
    world.ok("hospital-a", "ingest", "more/images", "--labels", "more/labels.csv")
    result = world.type("hospital-a", *ONE_RUN, "--json")
    assert (result.code, result.json["error"]["reason"]) == (4, "audit.other-patients")


def test_damaged_terms_of_an_interrupted_audit_are_refused(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    world = at("untrained")
    with monkeypatch.context() as patch:
        _interrupt(patch, "attack")
        with pytest.raises(PulledPlugError):
            world.type("hospital-a", *ONE_RUN)
    before = charged(world)
    terms = world["hospital-a"] / "audits" / "one-run.running" / "terms.json"
    terms.write_text(terms.read_text().replace('"canaries":40', '"canaries":"many"'))
    result = world.type("hospital-a", *ONE_RUN, "--json")
    assert (result.code, result.json["error"]["reason"]) == (11, "audit.terms-damaged")
    assert charged(world) == before


def test_an_audit_of_a_plan_s_large_network_is_refused_and_not_charged(at: At) -> None:
    world = at("initialised")
    terms = world["coordinator"] / "terms.yaml"
    terms.write_text("method: dp-sgd\nconstants: {network: resnet18}\n")
    join(world, "--from", "terms.yaml")
    world.ok("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    result = world.type("hospital-a", "audit", "one-run", "--own", "--json")
    assert (result.code, result.json["error"]["reason"]) == (4, "audit.network-too-large")
    assert charged(world) == ()
    assert list((world["hospital-a"] / "audits").iterdir()) == []


def test_membership_on_own_patients(at: At) -> None:
    world = at("untrained")
    for _ in range(20):  # nine patients: coins leave fewer than four on a side every other time
        result = world.type("hospital-a", "audit", "membership", "--own", "--json")
        if result.code == 0:
            break
        assert (result.code, result.json["error"]["reason"]) == (4, "audit.too-few-patients")
        assert charged(world) == ()
    assert result.json["members"] + result.json["others"] == 9
    assert 0.99 < result.json["lifetime"]["epsilon"] <= 1.0
    html = Path(result.json["report"]).read_text()
    assert "patient-0-" not in html
