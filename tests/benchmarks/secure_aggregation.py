"""Time, size and memory of masking and summing at the size of a ResNet-18, as ratios within this run.

    python tests/benchmarks/secure_aggregation.py [--parameters 11200000] [--hospitals 3 10 50] [--flower]

Medians over ``--repeats``. ``--flower`` also times the client-side masking functions of Flower's SecAgg+
(package ``flwr``, needed for that alone) on a vector of the same length and as many peers.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
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

from exchange_samples import CREATED, Hospital, Study  # noqa: E402

from privxray.exchange.admit import admit_update, read_update  # noqa: E402
from privxray.exchange.admit_opening import admit_request, admit_survivors  # noqa: E402
from privxray.exchange.committee import Committee, Seat, least_cohort  # noqa: E402
from privxray.exchange.concealing import conceal  # noqa: E402
from privxray.exchange.dealing import open_box  # noqa: E402
from privxray.exchange.fixedpoint import dequantise  # noqa: E402
from privxray.exchange.intake import read_again  # noqa: E402
from privxray.exchange.mask import add_streams  # noqa: E402
from privxray.exchange.opening import checked_answer, open_sum, restored_streams  # noqa: E402
from privxray.exchange.plan import PlanHeader  # noqa: E402
from privxray.exchange.request import write_request  # noqa: E402
from privxray.exchange.share import ShareHeader, open_share, write_share  # noqa: E402
from privxray.exchange.update import UpdateHeader, open_update, write_update  # noqa: E402
from privxray.formats.container import split  # noqa: E402
from privxray.formats.tensors import TensorSpec  # noqa: E402
from privxray.keys.identity import Identity  # noqa: E402
from privxray.keys.maskkey import state_mask_key  # noqa: E402
from privxray.keys.roster import Roster  # noqa: E402
from privxray.keys.sealing import SealingKey  # noqa: E402
from privxray.keys.unsealing import UnsealingStatement  # noqa: E402

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


class Cohort:
    """A study of n hospitals with five keyholders among them, and a vector as long as asked for."""

    def __init__(self, hospitals: int, parameters: int) -> None:
        self.coordinator = Identity.generate()
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
        study = Study.__new__(Study)
        study.coordinator, study.hospitals, study.trustees = self.coordinator, self.hospitals, []
        self.plan: PlanHeader = study.make_plan(
            roster=Roster(version=1, members=tuple(h.member() for h in self.hospitals)),
            mode="strict" if committee is None else "keyholders",
            committee=committee,
            modulus_bits=32,
            manifest=(TensorSpec(name="w", shape=(parameters,), bound=1.0, fraction_bits=20),),
        )
        self.plan.verify()
        self.plan_hash = study.plan_file(self.plan).digest

    def update(self, hospital: Hospital) -> tuple[bytes, float]:
        """An update's bytes, and how long masking and dealing took."""
        numbers = np.ones(self.plan.manifest[0].size, "<u4")
        start = time.perf_counter()
        dealt = conceal(numbers, self.plan, self.plan_hash, hospital.fingerprint, hospital.mask)
        seconds = time.perf_counter() - start
        data = write_update(
            numbers,
            self.plan,
            self.plan_hash,
            hospital.identity,
            epsilon=6.0,
            ledger_head="ab" * 32,
            next_mask=state_mask_key(X25519PrivateKey.generate(), None, 2, hospital.identity.signing),
            dealt=dealt,
            **CREATED,
        )
        return data, seconds


def round_of(hospitals: int, missing: int, parameters: int) -> dict[str, float]:
    """One whole round: export of each survivor, then summing in a process of its own."""
    cohort = Cohort(hospitals, parameters)
    survivors = cohort.hospitals[: hospitals - missing]
    with tempfile.TemporaryDirectory() as folder:
        root, concealing, exporting, size = Path(folder), [], [], 0
        for hospital in survivors:
            start = time.perf_counter()
            data, seconds = cohort.update(hospital)
            exporting.append(time.perf_counter() - start)
            concealing.append(seconds)
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
        command = [sys.executable, __file__, "--sum", folder]
        summed = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    bare = median_seconds(lambda: bare_keystream(4 * parameters), 5)
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
    plan_hash = told["plan_hash"]
    coordinator = Identity.from_secret(bytes.fromhex(told["coordinator"]))
    start = time.perf_counter()
    files = {path.stem: read_again(path) for path in sorted(root.glob("*.enc"))}
    headers: dict[str, UpdateHeader] = {}
    for sender, received in files.items():
        header, member = read_update(received.envelope, plan.roster.members)
        admit_update(header, member, plan, plan_hash)
        received.check_body(header.body)
        headers[sender] = header
    verified = time.perf_counter()
    left_over = []
    if plan.committee is not None:
        left_over = _asked(root, plan, plan_hash, coordinator, files, headers, told["keyholders"])
    asked = time.perf_counter()
    bodies: Iterator[tuple[str, Iterator[bytes]]] = (
        (sender, open_update(header, files[sender].pieces(), coordinator))
        for sender, header in headers.items()
    )
    total = open_sum(plan, bodies, left_over)
    opened = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wrong = int((total != len(headers)).sum())
    assert wrong == 0, wrong
    dequantise(total, plan.manifest, plan.modulus_bits)
    return {
        "verifying, s": verified - start,
        "keyholders' part, s": asked - verified,
        "summing and unmasking, s": opened - asked,
        "peak memory of summing, MB": peak,
    }


def _asked(root, plan, plan_hash, coordinator, files, headers, keyholders):  # type: ignore[no-untyped-def]
    starts = {s: (root / f"{s}.enc").open("rb").read(f.envelope.length) for s, f in files.items()}
    request = write_request(starts, plan, plan_hash, coordinator, **CREATED)
    envelope = split(request)
    answers = {}
    for holder, (secret, unsealing) in list(keyholders.items())[:THRESHOLD]:
        identity, key = Identity.from_secret(bytes.fromhex(secret)), SealingKey.from_secret(
            bytes.fromhex(unsealing)
        )  # fmt: skip
        header, seat = admit_request(envelope, plan, plan_hash, holder, None)
        dealt = admit_survivors(header, request[envelope.length :], plan, plan_hash)
        opened = {o: open_box(d, plan.dealing(plan_hash, o), seat, key) for o, d in dealt.items()}
        following = UnsealingStatement.sign(SealingKey.generate().public(), None, 2, identity.signing)
        share = write_share(
            opened, header, envelope.digest, plan, identity, next_unsealing=following, **CREATED
        )
        answered = split(share)
        shares = open_share(
            answered.claim(ShareHeader), share[answered.length :], header.survivors, plan, coordinator
        )
        all_dealt = {s: h.dealt for s, h in headers.items()}
        answers[seat] = checked_answer(plan, plan_hash, seat, all_dealt, shares)
    return restored_streams(plan, plan_hash, headers, answers)


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
    for hospitals in chosen.hospitals:
        show(f"{hospitals} hospitals", round_of(hospitals, 0, chosen.parameters))
    largest = max(chosen.hospitals)
    if largest > KEYHOLDERS + chosen.missing:
        name = f"{largest} hospitals, {chosen.missing} of them missing"
        show(name, round_of(largest, chosen.missing, chosen.parameters))
    if chosen.flower:
        show("beside Flower", beside_flower(chosen.parameters, 9, chosen.repeats))


def show(name: str, figures: dict[str, float]) -> None:
    print(name)
    for what, value in figures.items():
        print(f"  {what:<40} {value:,.3f}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
