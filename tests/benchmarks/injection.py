"""Are all identifying values found that are put into files at random, and nothing in files that are in order?

    python tests/benchmarks/injection.py [--per-file 200] [--seeds 1 2 3]

The set and the injection are those of tests/unit/test_deid_injection.py, larger, and for several seeds.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

import test_deid_injection as injection
from deid_reference import deidentified
from deid_samples import clean, encode

from privxray.deid.judging.check import check_bytes, check_paths


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--per-file", type=int, default=200)
    parser.add_argument("--seeds", nargs="+", default=["1", "2", "3"])
    options = parser.parse_args()
    made = []
    for path in injection.files():
        try:
            made.append((path, deidentified(path.read_bytes())))
        except AttributeError:  # no SOP Instance UID: not an instance
            continue
    whole = [(path, data) for path, data in made if path.name not in injection.BROKEN]
    reports = [check_bytes(data, name="x", path=path) for path, data in whole]
    errors = sum(finding.severity == "error" for report in reports for finding in report.findings)
    print(f"{len(whole)} properly de-identified files: {errors} errors")
    injection.PER_FILE = options.per_file
    for seed in options.seeds:
        put, missed = measure(injection.bases(made), random.Random(seed))
        print(f"seed {seed}: {put} values put in, {sum(missed.values())} missed {dict(missed)}", flush=True)


def measure(bases: list[bytes], chance: random.Random) -> tuple[int, Counter[str]]:
    """How many values were put in, and the kinds of those that were missed."""
    source = clean()
    for keyword, value in injection.IDENTITY.items():
        setattr(source, keyword, value)
    put, missed = 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "source.dcm").write_bytes(encode(source))
        places = {}
        for number, data in enumerate(bases):
            tail, places[f"im{number:03}.dcm"] = injection.injections(chance)
            Path(folder, f"im{number:03}.dcm").write_bytes(data + tail)
        for file in check_paths([Path(folder)]).files:
            found = {finding.where for finding in file.findings if finding.severity == "error"}
            for what, where in places.get(file.path.name, []):
                put += 1
                if where not in found:
                    missed[what] += 1
    return put, missed


if __name__ == "__main__":
    main()
