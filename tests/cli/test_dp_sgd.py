"""dp-sgd through the commands: constants and starting weights, given and refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from played_study import HOSPITALS, At, World
from safetensors.numpy import save_file
from test_bad_input import one_line

from privxray.exchange.intake import read_again
from privxray.formats.tensors import unpack
from privxray.imaging.features import GRID, MAPS, POOLED, Extractor
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.dp_sgd_method import DpSgd
from privxray.learning.dp_sgd.networks import initial_weights
from privxray.learning.dp_sgd.trainer import Trainer
from privxray.privacy.adaptive_filter import filter_of
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.common.method_inputs import is_of_kind
from privxray.workflow.common.planned_round import load_plan
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking

TERMS = """
method: dp-sgd
rounds: 1
constants: {steps: 2, sampling_rate: 0.5, expected_batch_size: 5, image_size: 32}
"""


def weights() -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(3)
    return {
        name: w + rng.normal(0, 0.01, w.shape).astype(np.float32)
        for name, w in initial_weights("small-cnn", 3).items()
    }


def terms(world: World, text: str = TERMS) -> Path:
    path = world["coordinator"] / "terms.yaml"
    path.write_text(text)
    return path


def test_weights_from_a_file_are_what_the_round_starts_from(at: At) -> None:
    world = at("initialised")
    save_file(weights(), world["coordinator"] / "start.safetensors")
    told = world.ok(
        "coordinator",
        "plan",
        "cards/*.card",
        "--from",
        terms(world),
        "--start",
        "start.safetensors",
        asks=True,
    )
    assert told["terms"]["start"] == "file"
    plan = world.carry(told["plan"], "hospital-a")
    carried = unpack(read_again(plan).body())
    assert all(np.array_equal(carried[name], w) for name, w in weights().items())
    world.ok("hospital-a", "join", plan, "--key-words", told["key_words"])
    world.ok("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    world.ok("hospital-a", "train")
    world.ok("hospital-a", "export-update", asks=True)


def test_a_new_plan_is_for_the_end_of_a_frozen_network_whose_maps_are_kept(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = at("initialised")
    told = world.ok("coordinator", "plan", "cards/*.card", "--method", "dp-sgd", asks=True)
    assert (told["terms"]["network"], told["terms"]["averaging"], told["stages"]) == ("lite2-head", 0.7, 1)
    plan = world.carry(told["plan"], "hospital-a")
    with looking(Workspace.find(world["coordinator"])) as session:
        (round_,) = session.state.rounds("pneumonia")
        assert load_plan(Workspace.find(world["coordinator"]), round_).extractor == GRID
    world.ok("hospital-a", "join", plan, "--key-words", told["key_words"])
    world.ok("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    world.ok("hospital-a", "train", "--dry-run")
    plain, seen = Extractor.__call__, []

    def noted(self: Extractor, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen.extend(image.tobytes() for image in pixels)
        return plain(self, pixels)

    monkeypatch.setattr(Extractor, "__call__", noted)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        assert world.type("hospital-a", "train").code == 130
    assert seen
    world.ok("hospital-a", "train")  # it computes those of held-out images, and no map a second time
    assert len(set(seen)) == len(seen)
    (run,) = world.ok("hospital-a", "budget")["runs"]
    assert run["state"] == "released"


def test_the_lifetime_is_charged_no_more_for_the_default_study_than_its_epsilon() -> None:
    """It was 7.44 for four rounds of sampled steps: the filter that holds for adaptive choices is looser."""
    method = DpSgd()
    constants = method.new_constants({})
    noise = method.plan_noise(constants, Guarantee(6.0, 1e-5), rounds_left=1, past=())
    assert filter_of(Guarantee(10.0, 1e-5)).epsilon(method.round_events(constants, noise)) < 6.05


@pytest.mark.parametrize(
    ("extractor", "fits"), [(None, "pixels"), (GRID, "maps"), (MAPS, "features"), (POOLED, "features")]
)
def test_maps_come_from_one_extractor_and_features_from_the_others(extractor: str | None, fits: str) -> None:
    assert [seen for seen in ("pixels", "maps", "features") if is_of_kind(extractor, seen)] == [fits]


def test_one_picture_under_several_labels_is_a_remark_on_the_hospital_s_own_screen(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``ingest`` stops at that; a data set of an earlier version, which compared bytes, may hold it."""
    world = at("ingested")
    monkeypatch.setattr(TrainingData, "alike_under_other_labels", lambda _: 3)
    result = world.type("hospital-a", "train", "--json")
    assert "3 of your training images are the same picture" in " ".join(result.err.split())
    assert "contradicting" not in result.json
    again = world.type("hospital-a", "train", "--json")
    assert "the same picture" not in " ".join(again.err.split())


def test_built_in_weights_are_checked_by_every_hospital(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    from privxray.learning.dp_sgd.dp_sgd_method import DpSgd

    world = at("initialised")
    with monkeypatch.context() as patch:
        patch.setattr(DpSgd, "starting_model", lambda *_: weights())
        told = world.ok("coordinator", "plan", "cards/*.card", "--from", terms(world), asks=True)
    plan = world.carry(told["plan"], "hospital-a")
    one_line(world.type("hospital-a", "join", plan, "--key-words", told["key_words"]), 4, "plan-0001.plan")


def test_a_signed_plan_with_a_rate_above_one_is_not_joined(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    from privxray.learning.constants import DpSgdConstants
    from privxray.learning.dp_sgd.dp_sgd_method import DpSgd

    world = at("initialised")
    with monkeypatch.context() as patch:
        patch.setattr(
            DpSgd, "constants", lambda *_: DpSgdConstants.model_construct(n_max=1000, sampling_rate=1.5)
        )
        told = world.ok("coordinator", "plan", "cards/*.card", "--method", "dp-sgd", asks=True)
    plan = world.carry(told["plan"], "hospital-a")
    words = ("--key-words", told["key_words"])
    one_line(world.type("hospital-a", "join", plan, *words), 2, "plan-0001.plan", "sampling_rate")
    assert world.ok("hospital-a", "status")["rounds"] == []


BAD = {
    "running statistics": (
        "weights.statistics", lambda w: w | {"features.0.1.running_mean": np.zeros(16, np.float32)}
    ),
    "more": ("weights.extra-tensor", lambda w: w | {"more": np.zeros(3, np.float32)}),
    "head.bias": ("weights.missing-tensor", lambda w: {n: a for n, a in w.items() if n != "head.bias"}),
    "[4]": ("weights.other-form", lambda w: w | {"head.bias": np.zeros(4, np.float32)}),
    "float64": ("weights.other-form", lambda w: w | {"head.bias": np.zeros(3)}),
    "not finite": (None, lambda w: w | {"head.bias": np.array([0, np.nan, 0], np.float32)}),
    "larger than": (
        "weights.too-large-number", lambda w: w | {"head.bias": np.array([0, 1e30, 0], np.float32)}
    ),
}  # fmt: skip


@pytest.mark.parametrize("named", BAD)
def test_weights_that_are_not_the_network_s_are_refused(at: At, named: str) -> None:
    world = at("initialised")
    reason, spoil = BAD[named]
    save_file(spoil(weights()), world["coordinator"] / "start.safetensors")
    line = ("plan", "cards/*.card", "--from", terms(world), "--start", "start.safetensors")
    result = world.type("coordinator", *line, "--json", asks=True)
    one_line(result, 11, "start.safetensors", named)
    assert reason in (None, result.json["error"]["reason"])
    assert not list(world["coordinator"].glob("*.plan"))


def test_a_start_that_is_no_file_of_weights_is_refused(at: At) -> None:
    world = at("initialised")
    (world["coordinator"] / "start.pt").write_bytes(pickle.dumps({"head.bias": 1}))
    line = ("plan", "cards/*.card", "--from", terms(world))
    one_line(world.type("coordinator", *line, "--start", "start.pt", asks=True), 11, "start.pt")
    one_line(world.type("coordinator", *line, "--start", "nothing", asks=True), 1, "nothing")
    one_line(world.type("coordinator", *line, "--start", ".", asks=True), 1)
    one_line(
        world.type("coordinator", "plan", "cards/*.card", "--start", "start.pt", asks=True), 2, "linear-probe"
    )
    terms(world, "method: dp-sgd\nconstants: {start: file}\n")
    one_line(world.type("coordinator", *line, asks=True), 2, "--start")


@pytest.mark.parametrize(
    ("constants", "name"),
    [
        ("{sampling_rate: 1.5}", "sampling_rate"),
        ("{sampling_rate: 0}", "sampling_rate"),
        ("{sampling_rate: .nan}", "sampling_rate"),
        ("{steps: 0}", "steps"),
        ("{steps: 2.5}", "steps"),
        ("{expected_batch_size: 0}", "expected_batch_size"),
        ("{expected_batch_size: .inf}", "expected_batch_size"),
        ("{clipping_norm: -1}", "clipping_norm"),
        ("{clipping_norm: .nan}", "clipping_norm"),
        ("{learning_rate: .inf}", "learning_rate"),
        ("{momentum: 1}", "momentum"),
        ("{views: 0}", "views"),
        ("{network: vgg}", "network"),
        ("{noise: 0}", "noise"),
        ("{sampling_rate: yes}", "sampling_rate"),
        ("{steps: true}", "steps"),
        ("{clipping_norm: 1.0e-300}", "clipping_norm"),
        ("{sampling_rate: 1.0e-300}", "sampling_rate"),
        ("{images_per_patient: 8}", "images_per_patient"),
    ],
)
def test_a_constant_out_of_range_is_refused_by_name(at: At, constants: str, name: str) -> None:
    world = at("initialised")
    line = ("plan", "cards/*.card", "--from", terms(world, f"method: dp-sgd\nconstants: {constants}\n"))
    one_line(world.type("coordinator", *line, asks=True), 2, name)
    assert not list(world["coordinator"].glob("*.plan"))


@pytest.mark.parametrize(
    "term",
    ["epsilon: 0", "epsilon: .inf", "epsilon: .nan", "delta: 0", "delta: .nan", "delta: 1", "epsilon: yes"],
)
def test_an_epsilon_or_delta_out_of_range_is_refused(at: At, term: str) -> None:
    world = at("initialised")
    line = ("plan", "cards/*.card", "--from", terms(world, f"method: dp-sgd\n{term}\n"))
    result = world.type("coordinator", *line, "--json", asks=True)
    one_line(result, 11, "terms.yaml", reason="terms.out-of-range")
    assert not list(world["coordinator"].glob("*.plan"))


def test_noise_that_is_not_what_was_charged_is_not_drawn(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    from privxray.workflow.hospital.local_training import train
    from privxray.workspace.state import State

    world = at("initialised")
    told = world.ok("coordinator", "plan", "cards/*.card", "--from", terms(world), asks=True)
    world.ok("hospital-a", "join", world.carry(told["plan"], "hospital-a"), "--key-words", told["key_words"])
    world.ok("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    with monkeypatch.context() as patch:
        patch.setattr(train, "training_data", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert world.type("hospital-a", "train").code == 130
    with State(world["hospital-a"] / "state.db") as state, state.transaction():
        noise = state.rounds("pneumonia")[0].noise
        assert noise is not None
        state.set_training("pneumonia", 1, noise=noise / 2)
    one_line(world.type("hospital-a", "train"), 14, "charged")
    assert world.ok("hospital-a", "budget")["runs"][0]["state"] == "reserved"


def test_a_machine_without_the_memory_says_so_and_the_training_goes_on_later(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    from privxray.learning.dp_sgd.trainer import Trainer
    from privxray.privacy.mechanism import SampledGaussian

    def full(*_: object) -> object:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    world = at("initialised")
    told = world.ok("coordinator", "plan", "cards/*.card", "--from", terms(world), asks=True)
    world.ok("hospital-a", "join", world.carry(told["plan"], "hospital-a"), "--key-words", told["key_words"])
    world.ok("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    with monkeypatch.context() as patch:
        patch.setattr(SampledGaussian, "sample", lambda *_: np.array([0]))  # a sample that is not empty
        patch.setattr(Trainer, "_seen", full)
        result = world.type("hospital-a", "train")
    last = result.err.strip().splitlines()[-1]
    assert last.startswith("privxray: there is too little memory for one image")
    assert result.code == 1
    assert "Traceback" not in result.err
    world.ok("hospital-a", "train")
    assert [run["state"] for run in world.ok("hospital-a", "budget")["runs"]] == ["released"]


@pytest.mark.parametrize("method", ["linear-probe", "dp-sgd"])
def test_answers_that_were_drawn_and_deleted_are_not_drawn_again(
    at: At, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from privxray.privacy.releases import ReleaseStore

    if method == "dp-sgd":
        world = at("initialised")
        told = world.ok("coordinator", "plan", "cards/*.card", "--from", terms(world), asks=True)
        plan = world.carry(told["plan"], "hospital-a")
        world.ok("hospital-a", "join", plan, "--key-words", told["key_words"])
        world.ok("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    else:
        world = at("untrained")
    save = ReleaseStore.save

    def dies(self: ReleaseStore, index: int, arrays: Any) -> None:
        save(self, index, arrays)
        if index == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ReleaseStore, "save", dies)
        assert world.type("hospital-a", "train").code == 130
    saved = sorted(world["hospital-a"].rglob("release-*.bin"))
    kept = saved[-1].read_bytes()
    saved[-1].unlink()
    one_line(world.type("hospital-a", "train"), 14, "steps", "gone", "paid anew")
    assert world.ok("hospital-a", "budget")["runs"][0]["state"] == "spending"
    if method == "dp-sgd":
        pay_anew(world)
        return
    saved[-1].write_bytes(kept)
    saved[-1].chmod(0o600)
    world.ok("hospital-a", "train")
    assert world.ok("hospital-a", "budget")["runs"][0]["state"] == "released"


def pay_anew(world: World) -> None:
    """The round is planned anew: the lost training stays charged, and another one is charged on top."""
    for party in HOSPITALS:
        world.ok(party, "card", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    told = world.ok("coordinator", "plan", "cards/*.card", "--from", terms(world), "--replace", asks=True)
    world.ok("hospital-a", "join", world.carry(told["plan"], "hospital-a"), "--key-words", told["key_words"])
    one_line(world.type("hospital-a", "train"), 14, "has cost epsilon 6")
    world.ok("hospital-a", "train", "--epsilon", "2")
    budget = world.ok("hospital-a", "budget")
    assert [run["state"] for run in budget["runs"]] == ["spending", "released"]
    assert 6 < budget["spent"]["epsilon"] < 8
