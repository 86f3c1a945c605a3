"""Studies with other tasks than training, played: what comes when, what is counted, and what is refused."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import played_keyholders
import pytest
from played_study import HOSPITALS, PATIENT, At, World, identity_in

from privxray.evaluation.noisy_histograms import figures_of_class
from privxray.exchange.intake import read_again
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.summary import SummaryHeader, write_summary
from privxray.formats.header import Stamp
from privxray.formats.tensors import unpack
from privxray.privacy.accountant import guarantee
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import SecureNoise
from privxray.workflow.common.study_cost import answer_noise, whole_cost
from privxray.workflow.hospital.counting.describe import patient_counts
from privxray.workflow.hospital.counting.evaluate_together import score_counts
from privxray.workflow.hospital.data_set import open_dataset
from privxray.workflow.hospital.using_model.classifier import newest_model
from privxray.workflow.hospital.using_model.held_out_data import held_out
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking
from privxray.workspace.transitions import RoundState

CLASSES = ("normal", "bacteria", "virus")


def deliver(world: World, *words: str) -> Any:
    """Every hospital contributes and exports, and the coordinator adds up; what aggregate prints."""
    for party in HOSPITALS:
        world.ok(party, *words)
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")
    return world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)


def body(world: World, name: str) -> dict[str, np.ndarray]:
    return unpack(read_again(world["coordinator"] / name).body())


def planned(world: World, name: str) -> PlanHeader:
    return read_again(world["coordinator"] / name).envelope.claim(PlanHeader)


def pooled_scores(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Scores [P, K] and classes of all held-out patients, each of whom has two images of one class."""
    scores, labels = [], []
    for party in HOSPITALS:
        workspace = Workspace.find(world[party])
        with looking(workspace) as session, open_dataset(session, "pneumonia") as dataset:
            model = newest_model(session, "pneumonia")
            seen = held_out(session, dataset, "pneumonia", "val", model, None)
            assert seen is not None
            found = seen.predictions(model)
            for number in range(int(found.patients.max()) + 1):
                images = found.patients == number
                scores.append(found.probabilities[images].mean(axis=0))
                labels.append(found.labels[images][0])
    return np.array(scores), np.array(labels)


@pytest.fixture
def noiseless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SecureNoise, "gaussian", lambda _, shape, std: np.zeros(shape) * std)


def test_join_shows_the_schedule_and_what_all_of_it_may_cost(at: At) -> None:
    world = at("counting")
    told = world.ok("hospital-a", "join", "received/plan-0002.plan", "--key-words", world.key_words())
    assert (told["already"], told["task"]) == (True, "describe")
    schedule = [(one["task"], one["epsilon"], one["stages"]) for one in told["schedule"]]
    assert schedule == [("describe", 2.0, 1), ("train", 6.0, 1), ("evaluate", 3.0, 1)]
    assert (told["whole"]["delta"], 6.5 < told["whole"]["epsilon"] < 8) == (1e-5, True)
    shown = world.type("hospital-a", "join", "received/plan-0002.plan", "--key-words", world.key_words())
    text = " ".join(shown.out.split())
    assert "describe at epsilon 2, then train at epsilon 6, then evaluate at epsilon 3" in text
    assert f"at most epsilon {told['whole']['epsilon']:.4g} (per patient" in text
    assert world.ok("hospital-a", "budget")["studies"][0]["planned"] == told["whole"]["epsilon"]


def test_a_summary_that_is_not_the_sum_is_refused(at: At) -> None:
    """Its coordinator signs it, and the proof shows another sum."""
    world = at("summed")
    received = read_again(world["coordinator"] / "round-0002.summary")
    counts = unpack(received.body())
    counts["counts"][0, 0, 0] += 1
    signed = SignedPlan.claimed(read_again(world["coordinator"] / "plan-0002.plan").envelope)
    proof = received.envelope.claim(SummaryHeader).proof
    stamp = Stamp(created="2026-01-02T03:04:05Z", software="privxray 0.1.0")
    forged = write_summary(counts, signed, identity_in(world["coordinator"]), stamp, proof=proof)
    good = world["hospital-a"] / "received" / "round-0002.summary"
    bytes_of_good = good.read_bytes()
    good.write_bytes(forged)
    assert world.refused("hospital-a", "accept", good, asks=True) == "proof.model-not-the-sum"
    good.write_bytes(bytes_of_good)
    world.ok("hospital-a", "accept", good, asks=True)
    good.write_bytes(forged)
    assert world.refused("hospital-a", "accept", good, asks=True) == "model.second-of-round"
    short = {"counts": counts["counts"][:2]}
    other = world["hospital-b"] / "received" / "round-0002.summary"
    other.write_bytes(write_summary(short, signed, identity_in(world["coordinator"]), stamp, proof=proof))
    assert world.refused("hospital-b", "accept", other, asks=True) == "summary.other-tensors"


def test_another_command_than_the_plans_says_what_to_type(at: At) -> None:
    world = at("counting")
    for words in (("train",), ("evaluate", "--contribute"), ("train", "--dry-run")):
        result = world.type("hospital-a", *words)
        assert (result.code, len(result.err.strip().splitlines())) == (4, 1)
        assert result.err.endswith("hospital-a describe --contribute\n")  # as it is typed from where we stand
        assert world.refused("hospital-a", *words) == "round.other-task"
    assert (
        world.refused("hospital-a", "describe", "--contribute", "--epsilon", "1") == "epsilon.not-the-plans"
    )
    assert world.refused("hospital-a", "describe", "--epsilon", "2") == "contribute.missing"
    assert world.refused("hospital-a", "evaluate", "--epsilon", "3") == "contribute.missing"
    report = ("evaluate", "--contribute", "--local")
    assert world.refused("hospital-a", *report) == "contribute.other-options"
    assert world.ok("hospital-a", "budget")["spent"]["epsilon"] == 0


def test_counts_of_three_hospitals_are_the_pooled_ones_within_the_stated_error(at: At) -> None:
    world = at("counting")
    assert world.ok("hospital-a", "describe")["counts"][0][-1][-1] == 4
    once = world.ok("hospital-a", "describe", "--contribute", "--epsilon", "2")
    again = world.ok("hospital-a", "describe", "--contribute")
    assert again == once | {"already": True}
    assert once["epsilon"] == pytest.approx(2, rel=1e-4)
    assert once["contributed"]["deviation"] == pytest.approx(answer_noise(Guarantee(2, 1e-5)), rel=1e-5)
    told = deliver(world, "describe", "--contribute")
    assert told["model"] is None
    assert told["counted"]["deviation"] == pytest.approx(once["contributed"]["deviation"] * 3**0.5)
    counts = body(world, "round-0002.summary")["counts"]
    exact = np.zeros(counts.shape)
    for party in HOSPITALS:
        with looking(Workspace.find(world[party])) as session, open_dataset(session, "pneumonia") as dataset:
            exact += patient_counts(dataset, CLASSES)
    assert exact.sum() == 36
    # Of all cells and sums together, one is beyond 7 standard deviations with 3e-10.
    assert np.abs(counts - exact).max() < 7 * told["counted"]["deviation"]
    assert np.abs(counts - exact).max() > 0
    by_name = {(one["by"], one["name"]): one for one in told["counted"]["counts"]}
    for by, axis in (("class", (1, 2)), ("age", (0, 2)), ("sex", (0, 1))):
        truth = exact.sum(axis=axis)
        found = [one for (axis_of, _), one in by_name.items() if axis_of == by]
        assert all(abs(one["patients"] - n) < 7 * one["error"] for one, n in zip(found, truth, strict=True))
    assert by_name["all", "all patients"]["error"] == pytest.approx(
        told["counted"]["deviation"] * counts.size**0.5
    )


def test_a_summary_is_accepted_proved_and_reported(at: At) -> None:
    world = at("counting")
    told = deliver(world, "describe", "--contribute")
    world.carry(told["summary"], "hospital-a", "incoming")
    unread = {one["kind"]: one["todo"] for one in world.ok("hospital-a", "status")["unread"]}
    assert unread["proof"] == "leave it beside its summary, and type: privxray accept SUMMARY"
    file = world.carry(told["summary"], "hospital-a")
    accepted = world.ok("hospital-a", "accept", file, asks=True)
    assert not world.ok("hospital-a", "status")["unread"]
    assert (accepted["kind"], accepted["proven"], accepted["already"]) == ("summary", True, False)
    assert accepted["summary"] == told["counted"]
    shown = world.type("hospital-a", "accept", file, asks=True)
    whole = told["counted"]["counts"][0]
    said = f"{max(whole['patients'], 0.0):,.0f} ± {whole['error']:,.0f} "
    assert said in shown.out.split("all patients ")[1].splitlines()[0]
    assert "delta 1e-05, add-or-remove-one-patient" in shown.err
    proved = world.type("hospital-a", "verify", file, "--json", asks=True)
    assert proved.json["own_update"]
    assert "The summary that was accepted here is made of this sum." in proved.err
    summed = world.ok("hospital-a", "inspect", file)
    assert (summed["header"]["task"], summed["header"]["kind"]) == ("describe", "summary")
    world.ok("coordinator", "report", "study")
    page = (world["coordinator"] / "reports" / "pneumonia-study.html").read_text()
    assert "Patients, as the hospitals counted them in round 2" in page
    assert "then train at epsilon 6" in page
    everything = shown.out + shown.err + page
    assert not any(word in everything for word in (PATIENT, "patient-0-", "img-0-"))
    again = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert (again["already"], again["counted"]) == (True, told["counted"])


@pytest.mark.usefixtures("noiseless")
def test_an_evaluation_without_noise_is_that_of_the_pooled_patients(at: At) -> None:
    world = at("evaluating")
    plan = planned(world, "plan-0004.plan")
    assert (plan.its_task, plan.next_place) == ("evaluate", None)
    told = deliver(world, "evaluate", "--contribute")
    scores, labels = pooled_scores(world)
    assert plan.edges is not None
    exact = score_counts(scores, labels, plan.edges)
    found = body(world, "round-0004.summary")["scores"]
    assert np.abs(found - exact).max() < 1e-4  # of the fixed point, three times
    assert exact[0].sum() == len(labels) == 9
    area = figures_of_class("normal", found[0].round(), plan.edges[0], 0.0).auc
    wins = [(scores[i, 0] > scores[j, 0]) for i in range(9) for j in range(9) if labels[i] == 0 != labels[j]]
    assert area is not None
    own, rest = exact[0]
    tied = own @ rest / (own.sum() * rest.sum())  # two in one bin count as a half
    assert abs(area.value - np.mean(wins)) <= tied / 2 + 1e-9
    assert told["counted"]["auc"] is None  # nine patients say nothing at this noise
    world.ok("coordinator", "report", "study")
    card = (world["coordinator"] / "reports" / "pneumonia-model-card.md").read_text()
    assert "On held-out patients of all hospitals together" in card
    assert "| AUC | normal against the rest | not shown: too few patients for this noise |" in card
    whole = whole_cost(plan).epsilon
    assert f"for the model; at most epsilon {whole:.4g} with the figures on this card |" in card
    assert world.type("coordinator", "plan", "--continue", asks=True).code == 4


def test_the_ledger_holds_every_task_of_the_study(at: At) -> None:
    world = at("evaluating")
    done = world.ok("hospital-a", "evaluate", "--contribute")
    whole = whole_cost(planned(world, "plan-0004.plan"))
    assert 4.0 < done["epsilon"] < whole.epsilon  # it trained at 4, and the plan allows 6
    runs = world.ok("hospital-a", "budget")["runs"]
    assert [run["state"] for run in runs] == ["released"] * 3
    assert world.ok("hospital-a", "evaluate")["model"] == "the global model of round 3"
    assert "already" in done
    world.ok("hospital-a", "doctor")
    english, german = (
        Path(one).read_text("utf-8") for one in world.ok("hospital-a", "report", "privacy")["reports"]
    )
    for text in ("Before the training each hospital counts", "After the training each hospital counts"):
        assert text in english
    for text in (
        "Vor dem Training zählt",
        "Nach dem Training zählt",
        f"Epsilon {whole.epsilon:.4g}".replace(".", ","),
    ):
        assert text in german


def test_no_answer_is_drawn_twice(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is kept before anything follows from it: another run of the same command reads it."""
    world = at("counting")
    drawn = []
    real = SecureNoise.gaussian
    monkeypatch.setattr(SecureNoise, "gaussian", lambda *a: drawn.append(1) or real(*a))
    world.ok("hospital-a", "describe", "--contribute")
    world.ok("hospital-a", "describe", "--contribute")
    with sqlite3.connect(world["hospital-a"] / "state.db") as database:
        database.execute("UPDATE round SET state = 'joined' WHERE number = 2")
    world.ok("hospital-a", "describe", "--contribute")
    assert len(drawn) == 1


def test_a_study_begun_anew_forgets_a_description_that_has_not_left(at: At) -> None:
    world = at("counting")
    world.ok("hospital-a", "describe", "--contribute")
    for party in HOSPITALS:
        world.carry(world.ok(party, "card", asks=True)["card"], "coordinator", "cards")
    made = world.ok("coordinator", "plan", "cards/*.card", "--replace", asks=True)
    assert "task" not in made
    plan = world.carry(made["plan"], "hospital-a")
    world.ok("hospital-a", "join", plan, "--key-words", made["key_words"])
    with looking(Workspace.find(world["hospital-a"])) as session:
        states = [round_.state for round_ in session.state.rounds()]
    assert states[-2:] == [RoundState.VOID, RoundState.JOINED]
    budget = world.ok("hospital-a", "budget")
    assert [run["state"] for run in budget["runs"]] == ["released"]  # the noise was drawn and stays paid


@pytest.mark.slow
@pytest.mark.usefixtures("noiseless")
def test_with_keyholders_a_sum_of_those_that_delivered_is_counted(at: At) -> None:
    world = at("keyholders-trained")
    shutil.rmtree(world["coordinator"] / "cards")
    parties = (*played_keyholders.HOSPITALS, *played_keyholders.TRUSTEES)
    for party in parties:
        world.carry(world.ok(party, "card", asks=True)["card"], "coordinator", "cards")
    made = world.ok(
        "coordinator", "plan", "cards/*.card", "--replace", "--mode", "keyholders", "--keyholder",
        "hospital-a", "--keyholder", "hospital-b", "--describe-epsilon", "1", asks=True,
    )  # fmt: skip
    for party in parties:
        world.ok(party, "join", world.carry(made["plan"], party), "--key-words", made["key_words"])
    delivered = played_keyholders.HOSPITALS[:4]
    for party in delivered:
        world.ok(party, "describe", "--contribute")
    played_keyholders.deliver(world, *delivered)
    world.ok("coordinator", "aggregate", "updates/*.enc", "--without", "hospital-e", asks=True)
    for party in ("hospital-a", "notary", "university"):
        request = world.carry(world["coordinator"] / "round-0002.request", party)
        world.carry(world.ok(party, "unmask", request, asks=True)["share"], "coordinator", "shares")
    told = world.ok("coordinator", "aggregate", "shares/*.share", asks=True)
    everybody = next(one for one in told["counted"]["counts"] if one["by"] == "all")
    assert everybody["patients"] == pytest.approx(4 * 8, abs=0.01)
    each = answer_noise(Guarantee(1, 1e-5))
    assert told["counted"]["deviation"] == pytest.approx(each * 4**0.5, rel=1e-5)
    accepted = world.ok("hospital-e", "accept", world.carry(told["summary"], "hospital-e"), asks=True)
    assert accepted["summary"]["deviation"] == pytest.approx(
        each * 5**0.5, rel=1e-5
    )  # the most that it can be


def test_the_noise_of_one_answer_is_that_of_its_epsilon() -> None:
    noise = answer_noise(Guarantee(0.5, 1e-5))
    assert guarantee([Event(kind="gaussian", noise=noise)], 1e-5).epsilon == pytest.approx(0.5, rel=1e-4)


def test_a_larger_epsilon_of_a_study_that_is_begun_anew_has_to_be_typed(at: At) -> None:
    world = at("counting")
    for party in HOSPITALS:
        world.carry(world.ok(party, "card", asks=True)["card"], "coordinator", "cards")
    words = ("plan", "cards/*.card", "--replace", "--describe-epsilon", "4")
    planned = world.ok("coordinator", *words, asks=True)
    assert planned["changes"]
    told = world.ok("hospital-a", "accept", world.carry(planned["plan"], "hospital-a"))  # asks for no words
    assert told["changes"] == planned["changes"]
    assert world.refused("hospital-a", "describe", "--contribute") == "epsilon.more-than-before"
    assert world.ok("hospital-a", "status")["next"][0].endswith(
        "if that is fine: privxray describe --contribute --epsilon 4"
    )
    world.ok("hospital-a", "describe", "--contribute", "--epsilon", "4")
    assert world.type("hospital-a", "describe", "--contribute").code == 0  # it is done, and says so
