"""Encrypted inference on a labelled collection: is it right, how long does it take, how large is it.

    python tests/benchmarks/inference.py --data labels.csv --images images/ [--split val] [--limit N]

The csv has the columns image, patient, label, site, split, as for ``privxray demo``. A whole study is trained
through the commands (linear probe, three hospitals); an outside hospital then asks about every image of the
split, by the same files as a person would carry, 200 to a query. The answers are held against ``predict``.
Evaluation by itself is timed in this process besides, without the start of a child and the reading of keys.

``--learn`` adds what a hospital learns of the model from its answers: a surrogate head is fitted to the
first n answers, and its agreement with the model is taken on the images that were not asked about.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from privxray.cli.app import run
from privxray.demo.party import Party
from privxray.demo.sites import read_sites
from privxray.demo.study import StudyTerms, play
from privxray.inference import parameters, wire
from privxray.inference.hospital_side import HospitalCipher, HospitalKeys, make_keys
from privxray.inference.owner_side import Head, HeadEvaluator
from privxray.inference.scheme import Scheme
from privxray.inference.terms import TOP1_FACTOR, Terms, answer_noise
from privxray.learning.interface import softmax
from privxray.learning.linear_probe.probe_queries import centred_features
from privxray.privacy.noise import SecureNoise
from privxray.workflow.common.method_inputs import InputForm, image_inputs
from privxray.workflow.inference.global_model import GlobalModel, find_model, head_of
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

CHUNK = 200
TIMED = 40
HELD_BACK = 83


def percentiles(seconds: list[float]) -> str:
    ms = sorted(1e3 * value for value in seconds)
    return f"median {statistics.median(ms):.1f} ms, 95 % under {ms[int(0.95 * len(ms))]:.1f} ms"


def study(root: Path, data: Path, images: Path | None, epsilon: float) -> tuple[Party, Party]:
    """The coordinator and the first hospital of a study that was played through."""
    sites = read_sites(data, images)
    played = play(
        root,
        sites,
        StudyTerms("linear-probe", epsilon),
        run=run,
        say=print,
        after_training=lambda _: None,
    )
    return played.coordinator, next(iter(played.hospitals.values()))


def clinic(root: Path) -> Party:
    folder = root / "clinic"
    folder.mkdir()
    passphrase = root / "passphrases" / "clinic"
    passphrase.write_text("only a benchmark\n")
    passphrase.chmod(0o600)
    party = Party("clinic", folder, passphrase, run)
    party.type("init", "--role", "hospital", "--name", "clinic", asks=True)
    return party


def carry(file: str, party: Party) -> Path:
    (party.folder / "received").mkdir(exist_ok=True)
    return Path(shutil.copy(file, party.folder / "received"))


def as_rows(told: dict[str, Any], classes: list[str]) -> np.ndarray:
    return np.array([[image["probabilities"][name] for name in classes] for image in told["images"]])


def ask_all(
    owner: Party, asker: Party, images: list[Path], features: int
) -> tuple[np.ndarray, dict[str, Any]]:
    """Probabilities of all images by the commands, and what it took."""
    offer = owner.type("infer", "offer", "--limit", str(len(images)), asks=True)
    path, words = carry(offer["offer"], asker), ("--key-words", offer["key_words"])
    took: dict[str, Any] = {"ask": [], "answer": [], "read": [], "query_bytes": [], "answer_bytes": []}
    rows = []
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK]
        clock = time.perf_counter()
        query = asker.type("infer", "ask", *chunk, "--offer", path, *words, asks=True)
        took["ask"].append((time.perf_counter() - clock) / len(chunk))
        sent = carry(query["query"], owner)
        clock = time.perf_counter()
        answer = owner.type("infer", "answer", sent, "--key-words", query["key_words"], asks=True)
        took["answer"].append((time.perf_counter() - clock) / len(chunk))
        back = carry(answer["answer"], asker)
        clock = time.perf_counter()
        told = asker.type("infer", "read", back, asks=True)
        took["read"].append((time.perf_counter() - clock) / len(chunk))
        keys = parameters.evaluation_keys_bytes(features) if query["with_keys"] else 0
        took["query_bytes"].append((query["bytes"] - keys) / len(chunk))
        took["answer_bytes"].append(answer["bytes"] / len(chunk))
        took.setdefault("keys_bytes", keys)
        rows.append(as_rows(told, told["classes"]))
        Path(query["query"]).unlink()
        sent.unlink()
    return np.concatenate(rows), took


def compare(found: np.ndarray, exact: np.ndarray) -> None:
    error = np.abs(found - exact)
    ordered = np.sort(exact, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > 2e-3
    same = found.argmax(axis=1) == exact.argmax(axis=1)
    print(f"{len(exact)} images: greatest difference of a probability {error.max():.2e}")
    print(f"  same class on {same[clear].sum()} of {clear.sum()} whose first two differ by over 2e-3, "
          f"and on {same[~clear].sum()} of the {(~clear).sum()} others")  # fmt: skip
    assert error.max() < 1e-3
    assert same[clear].all()


def newest_model(owner: Party) -> GlobalModel:
    workspace = Workspace.find(owner.folder)
    with State(workspace.state_path) as state:
        return find_model(workspace, state, None)


def features_of(model: GlobalModel, images: list[Path]) -> np.ndarray:
    """[N, D] features, centred and clipped as a hospital that asks does it."""
    constants = model.header.constants
    form = InputForm(int(constants["feature_dim"]), model.header.extractor)  # type: ignore[arg-type]
    inputs = image_inputs(images, ["an image"] * len(images), form)
    radius = float(constants["feature_radius"])  # type: ignore[arg-type]
    return centred_features(inputs, model.tensors["centre"], radius)


def timings(model: GlobalModel, rows: np.ndarray) -> None:
    """Evaluation alone, in this process, with keys and head loaded."""
    head = replace(head_of(model, Terms()), packed=True)
    layout = head.layout
    scheme = Scheme()
    clock = time.perf_counter()
    keys = make_keys(scheme, layout.features)
    print(f"making keys, once a hospital: {time.perf_counter() - clock:.1f} s")
    client = HospitalCipher(scheme, keys.secret)
    clock = time.perf_counter()
    queries = wire.read_queries(client.encrypt(rows, layout), layout.ciphertexts(len(rows)))
    print(f"encrypting: {1e3 * (time.perf_counter() - clock) / len(rows):.1f} ms an image")
    clock = time.perf_counter()
    evaluator = HeadEvaluator(scheme, head, wire.read_evaluation_keys(keys.evaluation, layout.features),
                          noise=answer_noise(3), top1=False, source=SecureNoise())  # fmt: skip
    print(f"reading keys and head, once a query: {time.perf_counter() - clock:.2f} s")
    seconds, answers = [], []
    for query, count in zip(queries, layout.filled(len(rows)), strict=True):
        clock = time.perf_counter()
        answers.append(evaluator.answer(query, count))
        seconds.append((time.perf_counter() - clock) / count)
    print(f"answering, an image: {percentiles(seconds)}")
    clock = time.perf_counter()
    client.decrypt(np.array(answers), layout, answer_noise(3), len(rows))
    print(f"decrypting: {1e3 * (time.perf_counter() - clock) / len(rows):.1f} ms an image")
    flooding(scheme, replace(head, packed=False), keys, rows)


class Silent:
    """No noise, so that what evaluation leaves by itself can be seen."""

    def gaussian(self, shape: tuple[int, ...], std: float) -> np.ndarray:
        return np.zeros(shape)

    def uniform(self, size: int) -> np.ndarray:
        return np.zeros(size)


def flooding(scheme: Scheme, head: Head, keys: HospitalKeys, rows: np.ndarray) -> None:
    """What the owner's noise has to hide, and how well it does: the divergence of docs/THREATS.md."""
    layout, client = head.layout, HospitalCipher(scheme, keys.secret)
    evaluator = HeadEvaluator(scheme, head, wire.read_evaluation_keys(keys.evaluation, layout.features),
                          noise=1.0, top1=False, source=Silent())  # fmt: skip
    queries = wire.read_queries(client.encrypt(rows, layout), len(rows))
    slots = client.slots(np.array([evaluator.answer(query) for query in queries]))[:, 0]
    places = [layout.place(number)[1] for number in range(len(head.weights))]
    errors = slots[:, places] - (rows @ head.weights.T + head.offsets)
    slots[:, places] = 0
    squares = (np.abs(errors) ** 2).sum(axis=1).mean(), (np.abs(slots) ** 2).sum(axis=1).mean()
    print(f"error of evaluation, root mean square: {(squares[0] / 2 / len(places)) ** 0.5:.1e} in results, "
          f"{(squares[1] / (parameters.DEGREE - 2 * len(places))) ** 0.5:.1e} in other slots")  # fmt: skip
    for decimals in (3, 6):
        nats = sum(squares) / (2 * answer_noise(decimals) ** 2)
        print(f"  divergence of an answer at {decimals} decimals: {nats:.1e} nats")


def learning(model: GlobalModel, rows: np.ndarray) -> None:
    """How well a head that is fitted to n answers agrees with the model on other images."""
    head = head_of(model, Terms())
    z = rows[np.random.default_rng(0).permutation(len(rows))]
    z = np.hstack([z, np.ones((len(z), 1))])
    scores = z @ np.hstack([head.weights, head.offsets[:, None]]).T
    source, most = SecureNoise(), len(z) - HELD_BACK
    noise = source.gaussian(scores.shape, answer_noise(3))
    factors = np.exp(source.uniform(len(z)) * np.log(TOP1_FACTOR))[:, None]
    exact = softmax(scores[most:])
    print(f"learning the model from answers to real images, judged on {HELD_BACK} others")
    for count in (10, 30, 100, most):
        asked = z[:count]
        copy = ridge(asked, (scores + noise)[:count], 1e-6)
        guessed = softmax(z[most:] @ copy.T)
        blurred = blurred_fit(asked, (scores * factors + noise)[:count])
        print(f"  {count:3} answers: same class on {agreement(guessed, exact):.3f}, mean difference of a "
              f"probability {np.abs(guessed - exact).mean():.4f}; with top1, same class on "
              f"{agreement(z[most:] @ blurred.T, exact):.3f}")  # fmt: skip


def agreement(found: np.ndarray, exact: np.ndarray) -> float:
    return float((found.argmax(axis=1) == exact.argmax(axis=1)).mean())


def ridge(z: np.ndarray, targets: np.ndarray, penalty: float) -> np.ndarray:
    """[K, D] weights of least squares with a penalty; in the dual, for images are few."""
    return (z.T @ np.linalg.solve(z @ z.T + penalty * np.eye(len(z)), targets)).T


def blurred_fit(z: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Weights from scores of unknown length: fit, guess the lengths, fit again."""
    directions = scores / np.linalg.norm(scores, axis=1, keepdims=True)
    lengths = np.ones((len(z), 1))
    for _ in range(30):
        weights = ridge(z, directions * lengths, 1e-3)
        lengths = np.maximum((z @ weights.T * directions).sum(axis=1, keepdims=True), 0.05)
        lengths /= lengths.mean()
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--epsilon", type=float, default=6.0)
    parser.add_argument("--limit", type=int, help="ask about the first so many images only")
    parser.add_argument("--learn", action="store_true")
    parser.add_argument("--keep", type=Path, help="play in this folder, or go on with a study that is there")
    options = parser.parse_args()
    root = options.keep or Path(tempfile.mkdtemp(prefix="privxray-inference-"))
    root.mkdir(exist_ok=True)
    sites = read_sites(options.data, options.images)
    images = [site.images / row.relative for site in sites for row in site.rows if row.split == options.split]
    images = images[: options.limit]
    if (root / "coordinator" / "models" / "global-0001.model").exists():
        owner = Party("coordinator", root / "coordinator", root / "passphrases" / "coordinator", run)
        member = Party("m", root / sites[0].hospital, root / "passphrases" / sites[0].hospital, run)
    else:
        owner, member = study(root, options.data, options.images, options.epsilon)
    shutil.rmtree(root / "clinic", ignore_errors=True)
    model = newest_model(owner)
    found, took = ask_all(owner, clinic(root), images, head_of(model, Terms()).layout.features)
    told = member.type("predict", *images)
    compare(found, as_rows(told, told["classes"]))
    print(json.dumps({name: round(statistics.median(value) if isinstance(value, list) else value, 4)
                      for name, value in took.items()}))  # fmt: skip
    print("  (seconds and bytes an image, by the commands, 200 images to a query; keys_bytes once)")
    some = images if options.learn else images[:TIMED]
    rows = features_of(model, some)
    timings(model, rows[:TIMED])
    if options.learn:
        learning(model, rows)
    if options.keep is None:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
