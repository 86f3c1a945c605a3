"""Time, size and memory of masking and summing at the size of a ResNet-18, as ratios within this run.

    python tests/benchmarks/secure_aggregation.py [--parameters 11200000] [--hospitals 3 10 50] [--flower]

Medians over ``--repeats``. ``--flower`` also times the client-side masking functions of Flower's SecAgg+
(package ``flwr``, needed for that alone) on a vector of the same length and as many peers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "unit"))

from exchange_samples import STAMP, Hospital, Study  # noqa: E402

from privxray.exchange.admission.admit import admit_update, read_update  # noqa: E402
from privxray.exchange.admission.admit_opening import admit_request, admit_survivors  # noqa: E402
from privxray.exchange.concealing import conceal  # noqa: E402
from privxray.exchange.intake import read_again  # noqa: E402
from privxray.exchange.masking.masks import add_streams  # noqa: E402
from privxray.exchange.messages.plan import PlanHeader, SignedPlan  # noqa: E402
from privxray.exchange.messages.request import SignedRequest, write_request  # noqa: E402
from privxray.exchange.messages.share import ShareHeader, open_share, write_share  # noqa: E402
from privxray.exchange.messages.update import UpdateClaims, UpdateHeader, open_update, write_update  # noqa: E402
from privxray.exchange.opening import checked_answer, open_sum, restored_streams  # noqa: E402
from privxray.exchange.sharing.committee import Committee, Seat, least_cohort  # noqa: E402
from privxray.exchange.sharing.dealing import open_box  # noqa: E402
from privxray.formats.container import split  # noqa: E402
from privxray.formats.header import Body  # noqa: E402
from privxray.formats.tensors import TensorSpec, pack, total_size  # noqa: E402
from privxray.keys.identity import Identity  # noqa: E402
from privxray.keys.mask_statement import state_mask_key  # noqa: E402
from privxray.keys.roster import Roster  # noqa: E402
from privxray.keys.sealing_keys import SealingKey  # noqa: E402
from privxray.keys.unsealing_statement import UnsealingStatement  # noqa: E402

BUFFER = 256 * 1024
KEYHOLDERS, THRESHOLD = 5, 4


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def bare_keystream(size: int) -> None:
    """What ``cryptography`` needs for ``size`` bytes of AES-256-CTR keystream and nothing else."""
    cipher = Cipher(AES256(bytes(32)), CTR(bytes(16))).encryptor()
    zeros, into = bytes(BUFFER), bytearray(BUFFER)
    for _ in range(0, size, BUFFER):
        cipher.update_into(zeros, into)


def masking(parameters: int, repeats: int) -> dict[str, float]:
    """Throughput of masks against the bare keystream, and of 49 masks against 49 times one."""
    vector = np.zeros(parameters, "<u4")
    keys = [os.urandom(32) for _ in range(49)]
    bare, one, many = [], [], []
    for _ in range(repeats):  # interleaved, so that a noisy minute hits all three
        bare.append(median_seconds(lambda: bare_keystream(vector.nbytes), 3))
        one.append(median_seconds(lambda: add_streams(vector, [(keys[0], False)]), 3))
        many.append(median_seconds(lambda: add_streams(vector, [(key, False) for key in keys]), 1))
    b, s, m = map(statistics.median, (bare, one, many))
    return {
        "bare keystream, ms": b * 1e3,
        "one mask, ms": s * 1e3,
        "49 masks, ms": m * 1e3,
        "one mask, share of the bare rate": b / s,
        "49 masks, share of the bare rate": 49 * b / m,
        "49 masks over 49 times one": m / (49 * s),
    }


LARGEST_LAYER = 512 * 512 * 3 * 3
"""Of a ResNet-18. Vectors are cut into tensors of that size, for a model is made tensor by tensor."""


def layers(parameters: int) -> tuple[TensorSpec, ...]:
    sizes = [min(LARGEST_LAYER, parameters - at) for at in range(0, parameters, LARGEST_LAYER)]
    return tuple(
        TensorSpec(name=f"layer{place}", shape=(size,), bound=1.0, fraction_bits=20)
        for place, size in enumerate(sizes)
    )


class Cohort:
    """A study of n hospitals with five keyholders among them, and a vector as long as asked for."""

    def __init__(self, hospitals: int, parameters: int, coordinator: Identity | None = None) -> None:
        self.coordinator = coordinator or Identity.generate()
        self.hospitals = [Hospital(f"hospital-{place:02d}") for place in range(hospitals)]
        holders = self.hospitals[: min(KEYHOLDERS, hospitals)]
        self.unsealing = {h.fingerprint: h.unsealing for h in holders}
        committee = None
        if hospitals > 3:
            committee = Committee(
                threshold=THRESHOLD,
                corrupt_keyholders=1,
                corrupt_hospitals=1,
                minimum_cohort=least_cohort(hospitals, len(holders), THRESHOLD, 1, 1),
                seats=tuple(
                    Seat(keyholder=h.fingerprint, unsealing=h.unsealing_statement()) for h in holders
                ),
            )
        start = pack({spec.name: np.zeros(spec.shape, np.float32) for spec in layers(parameters)})
        study = Study.__new__(Study)
        study.coordinator, study.hospitals, study.trustees = self.coordinator, self.hospitals, []
        self.plan: PlanHeader = study.make_plan(
            roster=Roster(version=1, members=tuple(h.member() for h in self.hospitals)),
            mode="strict" if committee is None else "keyholders",
            committee=committee,
            modulus_bits=32,
            manifest=layers(parameters),
            method="dp-sgd",
            stages=2,
            body=Body(length=len(start), sha256=hashlib.sha256(start).hexdigest()),
        )
        self.start = start
        self.plan.verify()
        self.signed = study.signed(self.plan)
        self.plan_hash = self.signed.digest

    def update(self, hospital: Hospital) -> tuple[bytes, float]:
        """An update's bytes, and how long masking and dealing took."""
        numbers = np.ones(total_size(self.plan.manifest), "<u4")
        start = time.perf_counter()
        dealt = conceal(numbers, self.signed, hospital.fingerprint, hospital.mask)
        seconds = time.perf_counter() - start
        next_mask = state_mask_key(X25519PrivateKey.generate(), None, 2, hospital.identity.signing)
        claims = UpdateClaims(6.0, "ab" * 32, next_mask, dealt)
        data = write_update(numbers, self.signed, hospital.identity, claims, STAMP)
        return data, seconds


def round_of(hospitals: int, missing: int, parameters: int) -> dict[str, float]:
    """One whole round: export of each survivor, then summing in a process of its own."""
    cohort = Cohort(hospitals, parameters)
    survivors = cohort.hospitals[: hospitals - missing]
    with tempfile.TemporaryDirectory() as folder:
        root, concealing, exporting, bares, size = Path(folder), [], [], [], 0
        for hospital in survivors:
            start = time.perf_counter()
            data, seconds = cohort.update(hospital)
            exporting.append(time.perf_counter() - start)
            concealing.append(seconds)
            bares.append(median_seconds(lambda: bare_keystream(4 * parameters), 3))
            size = len(data)
            (root / f"{hospital.fingerprint}.enc").write_bytes(data)
        (root / "plan.json").write_text(cohort.plan.model_dump_json())
        told = {
            "plan_hash": cohort.plan_hash,
            "coordinator": cohort.coordinator.secret().hex(),
            "keyholders": {
                h.fingerprint: [h.identity.secret().hex(), h.unsealing.secret().hex()]
                for h in cohort.hospitals[:KEYHOLDERS]
            },
        }
        (root / "told.json").write_text(json.dumps(told))
        peak, printed = peak_of([sys.executable, __file__, "--sum", folder])
        summed = json.loads(printed) | {"peak memory of summing, MB": peak}
    bare = statistics.median(bares)
    return {
        "update over its integers": size / (4 * parameters),
        "masks a hospital": hospitals - 1 + (hospitals > 3),
        "masking and dealing, s": statistics.median(concealing),
        "masking, share of the bare rate": (hospitals - 1 + (hospitals > 3))
        * bare
        / statistics.median(concealing),
        "export, s": statistics.median(exporting),
        **summed,
    }


def sum_in(root: Path) -> dict[str, float]:
    """The coordinator's process: verify, ask the keyholders where there are any, open the sum."""
    plan = PlanHeader.model_validate_json((root / "plan.json").read_text())
    told = json.loads((root / "told.json").read_text())
    signed = SignedPlan(plan, told["plan_hash"])
    coordinator = Identity.from_secret(bytes.fromhex(told["coordinator"]))
    start = time.perf_counter()
    files = {path.stem: read_again(path) for path in sorted(root.glob("*.enc"))}
    headers: dict[str, UpdateHeader] = {}
    for sender, received in files.items():
        header, member = read_update(received.envelope, plan.roster.members)
        admit_update(header, member, signed)
        received.check_body(header.body)
        headers[sender] = header
    verified = time.perf_counter()
    left_over = []
    if plan.committee is not None:
        left_over = _asked(root, signed, coordinator, files, headers, told["keyholders"])
    asked = time.perf_counter()
    bodies: Iterator[tuple[str, Iterator[bytes]]] = (
        (sender, open_update(header, files[sender].pieces(), coordinator))
        for sender, header in headers.items()
    )
    total = open_sum(plan, bodies, left_over)
    opened = time.perf_counter()
    wrong = int((total != len(headers)).sum())
    taking_off = {}
    if left_over:
        bares, passes = [], []
        for _ in range(5):
            bares.append(median_seconds(lambda: bare_keystream(total.nbytes), 3))
            passes.append(median_seconds(lambda: add_streams(total, left_over), 1))
        bare, seconds = statistics.median(bares), statistics.median(passes)
        taking_off = {
            "masks taken off the sum": len(left_over),
            "taking off, s": seconds,
            "taking off, share of the bare rate": len(left_over) * bare / seconds,
        }
    assert wrong == 0, wrong
    return {
        "verifying, s": verified - start,
        "keyholders' part, s": asked - verified,
        "summing and unmasking, s": opened - asked,
        **taking_off,
    }


def _asked(root, signed, coordinator, files, headers, keyholders):  # type: ignore[no-untyped-def]
    starts = {s: (root / f"{s}.enc").open("rb").read(f.envelope.length) for s, f in files.items()}
    plan = signed.plan
    request = write_request(starts, signed, coordinator, STAMP)
    envelope = split(request)
    answers = {}
    for holder, (secret, unsealing) in list(keyholders.items())[:THRESHOLD]:
        identity, key = Identity.from_secret(bytes.fromhex(secret)), SealingKey.from_secret(
            bytes.fromhex(unsealing)
        )  # fmt: skip
        header, seat = admit_request(envelope, signed, holder, None)
        dealt = admit_survivors(header, request[envelope.length :], signed)
        opened = {o: open_box(d, signed.dealing(o), seat, key) for o, d in dealt.items()}
        following = UnsealingStatement.sign(SealingKey.generate().public(), None, 2, identity.signing)
        asked = SignedRequest(header, envelope.digest)
        share = write_share(opened, asked, signed, identity, following, STAMP)
        answered = split(share)
        shares = open_share(
            answered.claim(ShareHeader), share[answered.length :], header.survivors, plan, coordinator
        )
        all_dealt = {s: h.dealt for s, h in headers.items()}
        answers[seat] = checked_answer(signed, seat, all_dealt, shares)
    return restored_streams(signed, headers, answers)


def command_of(hospitals: int, missing: int, parameters: int) -> dict[str, float]:
    """The coordinator's whole command, as typed, in a workspace whose round these hospitals take part in."""
    from privxray.workflow.common.init_workspace import init_coordinator
    from privxray.workflow.common.own_keys import unlock
    from privxray.workflow.coordinator.planning.sign_plan import Draft, record_plan, stage_plan
    from privxray.workspace.state import State

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "coordinator"
        root.mkdir()
        (Path(folder) / "passphrase").write_text("correct horse battery staple\n")
        (Path(folder) / "passphrase").chmod(0o600)
        workspace = init_coordinator(root, "pneumonia", lambda: "correct horse battery staple")
        identity = unlock(workspace, lambda: "correct horse battery staple")
        cohort = Cohort(hospitals, parameters, identity)
        signed = stage_plan(workspace, identity, Draft(cohort.plan, cohort.start))
        with State(workspace.state_path) as state, state.transaction():
            record_plan(state, signed)
        workspace.updates.mkdir(exist_ok=True)
        updates = {}
        for hospital in cohort.hospitals[: hospitals - missing]:
            update = cohort.update(hospital)[0]
            (workspace.updates / f"{hospital.name}.enc").write_bytes(update)
            updates[hospital.fingerprint] = update[: split(update).length]
        options = [word for h in cohort.hospitals[hospitals - missing :] for word in ("--without", h.name)]
        figures = {}
        if cohort.plan.committee is not None:
            figures |= timed(root, "request", "updates/*.enc", *options)
            (root / "shares").mkdir()
            request = (root / "round-0001.request").read_bytes()
            for holder in cohort.hospitals[:KEYHOLDERS]:
                answer = answered(cohort, request, holder)
                (root / "shares" / f"{holder.name}.share").write_bytes(answer)
            figures |= timed(root, "opening", "shares/*.share")
        else:
            figures |= timed(root, "opening", "updates/*.enc")
        assert len(list(workspace.models.glob("*.model"))) == 1
        return figures


def timed(root: Path, name: str, *words: str) -> dict[str, float]:
    """Type ``aggregate``; its seconds, and the most memory that its process ever had."""
    command = [sys.executable, "-m", "privxray", "-C", str(root), "aggregate", *words]
    command += ["--passphrase-file", str(root.parent / "passphrase")]
    start = time.perf_counter()
    peak = peak_of(command)[0]
    return {
        f"aggregate ({name}), s": time.perf_counter() - start,
        f"aggregate ({name}), peak memory, MB": peak,
    }


LAUNCHER = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.stdout.flush()
sys.stdout.buffer.write(done.stdout)
"""


def peak_of(command: list[str]) -> tuple[float, str]:
    """Run a command from a small process; its peak memory in MB and what it printed.

    From a large process it would begin with that one's peak as its own: Linux carries it over an exec.
    """
    launched = [sys.executable, "-c", LAUNCHER, *command]
    told = subprocess.run(launched, check=True, capture_output=True, text=True).stdout
    peak, _, printed = told.partition("\n")
    return int(peak) / 1024, printed


def answered(cohort: Cohort, request: bytes, holder: Hospital) -> bytes:
    """A keyholder's answer, by the rules of ``unmask``."""
    envelope = split(request)
    signed = cohort.signed
    header, seat = admit_request(envelope, signed, holder.fingerprint, None)
    dealt = admit_survivors(header, request[envelope.length :], signed)
    opened = {o: open_box(d, signed.dealing(o), seat, holder.unsealing) for o, d in dealt.items()}
    following = UnsealingStatement.sign(SealingKey.generate().public(), None, 2, holder.identity.signing)
    asked = SignedRequest(header, envelope.digest)
    return write_share(opened, asked, signed, holder.identity, following, STAMP)


def flower(parameters: int, peers: int) -> float:
    """Seconds of Flower's SecAgg+ client for its masks: its private one and ``peers`` pairwise ones."""
    from flwr.common.secure_aggregation.ndarrays_arithmetic import (
        parameters_addition,
        parameters_mod,
        parameters_subtraction,
    )
    from flwr.common.secure_aggregation.secaggplus_utils import pseudo_rand_gen

    vector, shape, modulus = [np.zeros(parameters, np.int64)], [(parameters,)], 1 << 32
    start = time.perf_counter()
    vector = parameters_addition(vector, pseudo_rand_gen(os.urandom(32), modulus, shape))
    for peer in range(peers):
        mask = pseudo_rand_gen(os.urandom(32), modulus, shape)
        combine = parameters_addition if peer % 2 else parameters_subtraction
        vector = combine(vector, mask)
    parameters_mod(vector, modulus)
    return time.perf_counter() - start


def beside_flower(parameters: int, peers: int, repeats: int) -> dict[str, float]:
    vector = np.zeros(parameters, "<u4")
    ours, theirs = [], []
    for _ in range(repeats):
        streams = [(os.urandom(32), False) for _ in range(peers + 1)]
        ours.append(median_seconds(lambda: add_streams(vector, streams), 1))  # noqa: B023 - used at once
        theirs.append(flower(parameters, peers))
    o, t = statistics.median(ours), statistics.median(theirs)
    return {"peers": peers, "privxray, s": o, "Flower SecAgg+, s": t, "times faster": t / o}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parameters", type=int, default=11_200_000)
    parser.add_argument("--hospitals", type=int, nargs="+", default=[3, 10, 50])
    parser.add_argument("--missing", type=int, default=5, help="of the largest cohort, once more")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--flower", action="store_true")
    parser.add_argument("--sum", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.sum:
        print(json.dumps(sum_in(chosen.sum)))
        return
    show("masks", masking(chosen.parameters, chosen.repeats))
    largest = max(chosen.hospitals)
    rounds = [(hospitals, 0) for hospitals in chosen.hospitals]
    if largest > KEYHOLDERS + chosen.missing:
        rounds.append((largest, chosen.missing))
    for hospitals, missing in rounds:
        name = f"{hospitals} hospitals" + (f", {missing} of them missing" if missing else "")
        figures = round_of(hospitals, missing, chosen.parameters)
        show(name, figures | command_of(hospitals, missing, chosen.parameters))
    if chosen.flower:
        show("beside Flower", beside_flower(chosen.parameters, 9, chosen.repeats))


def show(name: str, figures: dict[str, float]) -> None:
    print(name)
    for what, value in figures.items():
        print(f"  {what:<40} {value:,.3f}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
