"""How much memory do check and deidentify take for a file with one very long element, and how long?

    python tests/benchmarks/long_element.py [--mib 300]

The element is Waveform Data (OW) with a name at its end. Another file tells ``check`` the name.
``deidentify`` is told it once, so that the element goes, and once not. The figures are the largest resident
sets of the process and of its workers in MiB, and the seconds of processor time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

import numpy as np
from deid_samples import clean, element, encode

_CHECK = """
from privxray.deid.judging.check import check_paths
report = check_paths([Path(sys.argv[1])])
print("leaks:", sum(f.rule == "leak-bytes" for one in report.files for f in one.findings))
"""
_COPY = """
from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.wanted import of_others
from privxray.deid.profile.basic import basic_profile
others = of_others(LeakSearch([("name", NAME)]))
settings = CopySettings(basic_profile(), Pseudonyms(bytes(32)), others=others)
copy = deidentify(Path(sys.argv[1], "long.dcm").read_bytes(), settings)
print("bytes of the copy:", len(copy.data))
"""

_USED = """
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
own, workers = getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)
print(own.ru_maxrss // 1024, workers.ru_maxrss // 1024, own.ru_utime + workers.ru_utime)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mib", type=int, default=300)
    size = parser.parse_args().mib << 20
    source = clean()
    source.PatientName = "Zwiebelmann^Anna"
    del source.PixelData
    head = encode(source)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "source.dcm").write_bytes(head)
        source.PatientName = "case0042"
        with Path(folder, "long.dcm").open("wb") as stream:
            stream.write(encode(source) + element(0x54001010, "OW", b"")[:-4] + size.to_bytes(4, "little"))
            wave = np.cumsum(np.random.default_rng(0).normal(0, 20, 1 << 19)).astype("<i2").tobytes()
            for _ in range(size // len(wave) - 1):
                stream.write(wave)
            stream.write(wave[:-16] + b"Zwiebelmann     ")
        named = _COPY.replace("NAME", repr("Zwiebelmann^Anna"))
        unnamed = _COPY.replace("NAME", repr("Quellwasser^Uwe"))
        for what, code in (("check", _CHECK), ("deidentify", named), ("deidentify, kept", unnamed)):
            started = time.perf_counter()
            code = f"import sys\nfrom pathlib import Path\n{code}\n{_USED}"
            ran = subprocess.run(
                [sys.executable, "-c", code, folder], capture_output=True, text=True, check=False
            )
            wall = time.perf_counter() - started
            print(what, ran.stdout.split(), ran.stderr[-300:], f"{wall:.0f} s", flush=True)


if __name__ == "__main__":
    main()
