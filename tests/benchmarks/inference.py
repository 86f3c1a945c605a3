"""Encrypted inference on a labelled collection: is it right, how long does it take, how large is it.

    python tests/benchmarks/inference.py --data labels.csv --images images/ [--split val] [--limit N]

The csv has the columns image, patient, label, site, split, as for ``privxray demo``. A whole study is trained
through the commands (linear probe, three hospitals); an outside hospital then asks about every image of the
split, by the same files as a person would carry, 200 to a query. The answers are held against ``predict``.
Evaluation by itself is timed in this process besides, without the start of a child.

``--learn`` adds what a hospital learns of the model from its answers, judged on the images of the split by
how often it has the model's class. With unaltered software: a surrogate head is fitted to the answers about
the first n images of the train split. With altered software: n answers are all spent on what is worth most,
the head along the principal directions of those images, as finely as the bits of the answers allow.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from privxray.cli.app import run
from privxray.demo.party import Party
from privxray.demo.sites import read_sites
from privxray.demo.study import StudyTerms, play
from privxray.inference import wire
from privxray.inference.hospital_side import ask, decrypt
from privxray.inference.owner_side import Answering, answers
from privxray.inference.parameters import Layout
from privxray.inference.terms import TOP1_FACTOR, Leak, Terms
from privxray.learning.interface import softmax
from privxray.learning.linear_probe.probe_queries import centred_features
from privxray.privacy.noise import SecureNoise
from privxray.workflow.common.method_inputs import InputForm, image_inputs
from privxray.workflow.inference.global_model import GlobalModel, find_model, head_of
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

CHUNK = 200
TIMED = 40
ASKED = 300


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


def ask_all(owner: Party, asker: Party, images: list[Path]) -> tuple[np.ndarray, dict[str, Any]]:
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
        took["query_bytes"].append(query["bytes"] / len(chunk))
        took["answer_bytes"].append(answer["bytes"] / len(chunk))
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
    """Each side's part alone, in processor time, and the noise that the scores have."""
    head = head_of(model)
    for decimals in (3, 6):
        terms = Terms(None, decimals)
        layout = Layout(head.weights.shape[1], len(head.weights), decimals, head.score_range(terms))
        owner = Answering(head, bytes(32), layout, terms)
        clock = time.process_time()
        asking = ask(rows, layout, owner.mixing_seed)
        asked = time.process_time() - clock
        body = asking.question.to_bytes()
        question, seconds, made = wire.read_question(body, layout, len(rows)), [], []
        clock = time.process_time()
        for result in answers(owner, question, len(rows), SecureNoise()):
            made.append(result)
            seconds.append(time.process_time() - clock)
            clock = time.process_time()
        answer = b"".join(map(wire.to_bytes, made))
        clock = time.process_time()
        found = decrypt(wire.read_answer(answer, layout, len(rows)), layout, terms.noise, asking.secret)
        read = time.process_time() - clock
        error = (found - rows @ head.weights.T - head.offsets).std() / terms.noise
        print(f"{decimals} decimals, range {layout.score_range}: asking {1e3 * asked / len(rows):.2f} ms, "
              f"answering {percentiles(seconds)}, reading {1e3 * read / len(rows):.2f} ms an image; "
              f"{len(body) // len(rows)} and {len(answer) // len(rows)} bytes; "
              f"noise {error:.3f} of the wanted")  # fmt: skip
    for decimals in range(1, 7):
        terms = Terms(None, decimals)
        leak = Leak(head.weights.shape[1], len(head.weights), decimals, head.score_range(terms))
        print(f"  {decimals} decimals: an answer tells {leak.answer_bits:.1f} bits at most, "
              f"{leak.share(1):.2%} of {leak.model_bits:.0f}; limit by default {leak.limit()}")  # fmt: skip


def learning(model: GlobalModel, asked: np.ndarray, judged: np.ndarray) -> None:
    """How well what n answers give agrees with the model on other images.

    :param asked: [300, D] features of images that are asked about.
    :param judged: [N, D] features of others.
    """
    head, source, terms = head_of(model), SecureNoise(), Terms()
    z, other = (np.hstack([rows, np.ones((len(rows), 1))]) for rows in (asked, judged))
    weights = np.hstack([head.weights, head.offsets[:, None]])
    scores, noise = z @ weights.T, source.gaussian((len(z), len(weights)), terms.noise)
    factors = np.exp(source.uniform(len(z)) * np.log(TOP1_FACTOR))[:, None]
    exact = softmax(other @ weights.T)
    leak = Leak(head.weights.shape[1], len(weights), terms.decimals, head.score_range(terms))
    print(f"learning the model from answers, judged on {len(judged)} other images")
    for count in (3, 10, 20, 30, 100, 300):
        copy = ridge(z[:count], (scores + noise)[:count], 1e-6)
        guessed = softmax(other @ copy.T)
        blurred = blurred_fit(z[:count], (scores * factors + noise)[:count])
        taken = along_directions(weights, z, count * leak.answer_bits / len(weights))
        print(f"  {count:3} answers: same class on {agreement(guessed, exact):.3f}, mean difference of a "
              f"probability {np.abs(guessed - exact).mean():.4f}; with top1, same class on "
              f"{agreement(other @ blurred.T, exact):.3f}; with altered software, same class on "
              f"{agreement(other @ taken.T, exact):.3f}; bits at most {leak.share(count):.0%}")  # fmt: skip


def along_directions(weights: np.ndarray, z: np.ndarray, bits: float) -> np.ndarray:
    """[K, D] weights as so many bits a class give them: the principal directions of z, each to b bits.

    The best b from 2 to 12 is taken, judged on z, which is what the one who asks has.
    """
    _, sizes, directions = np.linalg.svd(z, full_matrices=False)
    held, best, found = (z @ weights.T).argmax(axis=1), -1.0, weights
    for b in range(2, 13):
        most = min(int(bits // b), len(directions))
        if not most:
            continue
        coordinates = weights @ directions[:most].T * sizes[:most]
        step = 2 * np.abs(coordinates).max() / 2**b
        rebuilt = (np.round(coordinates / step) * step / sizes[:most]) @ directions[:most]
        agrees = float(((z @ rebuilt.T).argmax(axis=1) == held).mean())
        if agrees > best:
            best, found = agrees, rebuilt
    return found


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
    found, took = ask_all(owner, clinic(root), images)
    told = member.type("predict", *images)
    compare(found, as_rows(told, told["classes"]))
    print(json.dumps({name: round(statistics.median(value), 4) for name, value in took.items()}))
    print("  (seconds and bytes an image, by the commands, 200 images to a query)")
    rows = features_of(model, images)
    timings(model, rows[:TIMED])
    if options.learn:
        train = [site.images / row.relative for site in sites for row in site.rows if row.split == "train"]
        drawn = np.random.default_rng(0).permutation(len(train))[:ASKED]
        learning(model, features_of(model, [train[place] for place in drawn]), rows)
    if options.keep is None:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
