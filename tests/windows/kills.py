"""A hospital's commands killed at random instants, by Windows' TerminateProcess, run by the Windows Python.

    CACHE/win tests/windows kills.py 50

After each kill ``status`` and ``doctor`` must answer, and the same command must bring the step to its end,
charged once. Then two commands at once: one of them is told that the workspace is busy.
It runs on Linux as well.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "cli")]

STEPS = {
    "ingest": ("joined", ["ingest", "source/images", "--labels", "source/labels.csv"], False),
    "train": ("untrained", ["train", "--epsilon", "6"], False),
    "export-update": ("trained", ["export-update"], True),
}


def line(world: Path, words: list[str], asks: bool) -> list[str]:
    secret = ["--passphrase-file", str(world / "passphrase")] if asks else []
    return [sys.executable, "-m", "privxray", "-C", str(world / "hospital-a"), *words, "--json", *secret]


def started(world: Path, words: list[str], asks: bool = False) -> subprocess.Popen[str]:
    found = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
    return subprocess.Popen(
        line(world, words, asks),
        env=os.environ | {"PYTHONPATH": found},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(world: Path, words: list[str], asks: bool = False) -> tuple[int, str, str]:
    process = started(world, words, asks)
    out, err = process.communicate()
    return process.returncode, out, err


def main() -> None:
    """Play a study up to each stage in this process, then kill."""
    from played_study import World, copy_world, snapshots_in, typed

    times, counts = int(sys.argv[1]), {"killed": 0, "ended before": 0}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        (base / "stages").mkdir()
        snapshot = snapshots_in(base / "stages")
        whole: dict[str, float] = {}
        for number in range(times):
            name = list(STEPS)[number % len(STEPS)]
            stage, words, asks = STEPS[name]
            world = copy_world(snapshot(stage), base / f"world-{number}")
            start = time.monotonic()
            if name not in whole:
                code, _, err = ended(world, words, asks)
                assert code == 0, err
                whole[name] = time.monotonic() - start
                shutil.rmtree(world)
                world = copy_world(snapshot(stage), base / f"world-{number}")
            process = started(world, words, asks)
            instant = random.uniform(0.2, whole[name])
            time.sleep(instant)
            counts["killed" if process.poll() is None else "ended before"] += 1
            process.kill()
            process.communicate()
            place = ["-C", str(world / "hospital-a")]
            for look in ("status", "doctor"):
                seen = typed([*place, look, "--json"])
                wrong = {one["check"] for one in seen.json.get("checks", []) if one["result"] == "error"}
                # A copied folder does not keep its access lists, and doctor says so.
                assert seen.code == 0 or wrong == {"permissions"}, (name, instant, seen.out, seen.err)
            code, out, err = ended(world, words, asks)
            done_before = code == 4 and json.loads(out)["error"]["reason"] in (
                "round.trained",
                "round.exported",
            )
            assert code == 0 or done_before, (name, instant, out, err)
            runs = World(world).ok("hospital-a", "budget")["runs"]
            assert len(runs) == (name != "ingest"), (
                name,
                instant,
                runs,
            )  # charged once, however often it is typed
            print(
                f"{number:3} {name:14} killed after {instant:5.2f} s, then exit {code}, charges {len(runs)}",
                flush=True,
            )
            shutil.rmtree(world)
        print(counts, {name: round(seconds, 1) for name, seconds in whole.items()})
        world = copy_world(snapshot("untrained"), base / "busy")
        both = [started(world, STEPS["train"][1]) for _ in range(2)]
        told = [process.communicate() for process in both]
        codes = sorted(process.returncode for process in both)
        reasons = [
            json.loads(out)["error"]["reason"]
            for (out, _), process in zip(told, both, strict=True)
            if process.returncode
        ]
        print("two at once:", codes, reasons)
        assert codes == [0, 4], told
        assert reasons[0] in ("workspace.busy", "round.trained"), reasons


if __name__ == "__main__":
    main()
