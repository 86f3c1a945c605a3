"""What a feature costs: the whole network on torch, torch as far as plans read it, and onnxruntime, in turns.

    python tests/benchmarks/features_speed.py IMAGES... [--turns 5]

Every turn is a process of its own: it starts, loads the extractor, and for each image decodes it, computes
its features and keeps them in a database. Printed are milliseconds an image, of the whole turn and of the
features alone, as medians over the turns. Engines alternate, so that what else runs on the machine meets all
of them.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KINDS = ("whole, torch", "maps, torch", "maps, onnxruntime")


def turn(kind: str, images: list[Path]) -> None:
    """One process: prints its own seconds for features, per image."""
    import numpy as np

    from privxray.imaging.decode import decode_path
    from privxray.imaging.features import MAPS, POOLED, Extractor

    extractor = Extractor(POOLED if kind.startswith("whole") else MAPS, kind.split(", ")[1])  # type: ignore[arg-type]
    spent = 0.0
    with tempfile.TemporaryDirectory() as folder, sqlite3.connect(Path(folder) / "kept.db") as db:
        db.execute("CREATE TABLE feature (content INTEGER PRIMARY KEY, data BLOB)")
        for start in range(0, len(images), 64):
            pixels = np.stack([decode_path(path, "an image") for path in images[start : start + 64]])
            clock = time.perf_counter()
            rows = extractor(pixels)
            spent += time.perf_counter() - clock
            db.executemany("INSERT INTO feature VALUES (?, ?)", list(enumerate(map(bytes, rows), start)))
            db.commit()
    print(json.dumps(spent))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind:
        turn(options.kind, options.images)
        return
    seconds: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    for _ in range(options.turns):
        for kind in KINDS:
            clock = time.perf_counter()
            done = subprocess.run(
                [sys.executable, __file__, *map(str, options.images), "--kind", kind],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            seconds[kind].append((time.perf_counter() - clock, float(done.stdout)))
    count = len(options.images)
    first = [statistics.median(part) for part in zip(*seconds[KINDS[0]], strict=True)]
    for kind, turns in seconds.items():
        whole, alone = (statistics.median(part) for part in zip(*turns, strict=True))
        print(f"{kind:18} {1e3 * whole / count:6.1f} ms an image in all ({whole / first[0]:.2f}), "
              f"{1e3 * alone / count:6.1f} ms features alone ({alone / first[1]:.2f})")  # fmt: skip


if __name__ == "__main__":
    main()
