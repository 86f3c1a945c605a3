"""How fast is the metadata check? Beside a bare pydicom loop and two anonymisers, in one run.

    python tests/benchmarks/check_speed.py [--files 2000] [--runs 3] [--others PYTHON]

The files are made from those that pydicom carries for its own tests: each that it can read, in turn, with a
new SOP Instance UID, until there are enough. They are what modalities write, so almost every one is full of
findings and the second pass (the search for leaks) runs too; the same files with the identifying attributes
emptied show the check where there is nothing to search for. ``--others`` names the interpreter of an
environment that has dicognito and dicom-anonymizer; they do another job (they write copies), here without the
writing, so theirs is a floor.

All in one process tree, one after the other, the order turned each run; the medians are printed. Rates are
files a second. Beside them stands what all processes together computed a file: where other work runs on the
same cores, that says more than the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pydicom
from pydicom.uid import generate_uid

from privxray.deid.judging.check import check_paths
from privxray.deid.profile.profile import Profile
from privxray.deid.profile.profile_file import load_profile

SOURCES = Path(pydicom.__file__).parent / "data" / "test_files"
MAX_SOURCE = 4 << 20

OTHERS = """
import json, sys, time, warnings
from importlib.metadata import version
from pathlib import Path
import pydicom
warnings.simplefilter("ignore")
files = sorted(Path(sys.argv[1]).iterdir())
def rate(treat):
    start, refused = time.perf_counter(), 0
    for path in files:
        try:
            treat(pydicom.dcmread(path))
        except Exception:
            refused += 1
    return len(files) / (time.perf_counter() - start), refused
from dicognito.anonymizer import Anonymizer
from dicomanonymizer import anonymize_dataset
out = {}
out["dicognito " + version("dicognito")] = rate(Anonymizer().anonymize)
out["dicom-anonymizer " + version("dicom-anonymizer")] = rate(anonymize_dataset)
print(json.dumps(out))
"""


def make(folder: Path, number: int, *, emptied: bool) -> None:
    """Write ``number`` files from those of pydicom's that it reads and writes."""
    usable = []
    for path in sorted(SOURCES.rglob("*")):
        if path.is_file() and path.stat().st_size <= MAX_SOURCE:
            try:
                write(path, folder / "try", emptied=emptied)
            except Exception:  # noqa: BLE001  files that are broken on purpose
                continue
            usable.append(path)
    (folder / "try").unlink()
    for place in range(number):
        write(usable[place % len(usable)], folder / f"im{place:06}.dcm", emptied=emptied)


def write(source: Path, target: Path, *, emptied: bool) -> None:
    """One file, as another instance."""
    ds = pydicom.dcmread(source)
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    for element in ds.iterall():
        if emptied and (element.VR == "PN" or element.keyword in EMPTIED.split()):
            element.value = ""
    pydicom.dcmwrite(target, ds, enforce_file_format=True)


EMPTIED = """
PatientID AccessionNumber OtherPatientIDs StudyID AdmissionID PatientBirthDate InstitutionName PatientAddress
InstitutionAddress InstitutionalDepartmentName RequestedProcedureID MedicalRecordLocator VerifyingOrganization
PatientTelephoneNumbers ClinicalTrialSubjectID ClinicalTrialSiteName ClinicalTrialSponsorName
PlacerOrderNumberImagingServiceRequest FillerOrderNumberImagingServiceRequest
ClinicalTrialCoordinatingCenterName
"""


def bare(folder: Path) -> None:
    """What reading alone costs with pydicom, on one core."""
    for path in sorted(folder.iterdir()):
        for _ in pydicom.dcmread(path, stop_before_pixels=True).iterall():
            pass


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--others", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    profile = load_profile("basic")
    with tempfile.TemporaryDirectory() as place:
        folders = {}
        for kind in ("as they are", "emptied"):
            folders[kind] = Path(place) / kind.replace(" ", "_")
            folders[kind].mkdir()
            make(folders[kind], options.files, emptied=kind == "emptied")
        size = sum(path.stat().st_size for path in folders["as they are"].iterdir()) / 1e6
        python = sys.version.split()[0]
        print(f"{options.files} files, {size:.0f} MB, pydicom {version('pydicom')}, Python {python}")
        for kind, folder in folders.items():
            measure(kind, folder, profile, options)


def measure(kind: str, folder: Path, profile: Profile, options: argparse.Namespace) -> None:
    """One kind of files: all contestants, several runs."""

    def check(jobs: int, digests: bool) -> Callable[[], object]:
        return lambda: check_paths([folder], profile=profile, jobs=jobs, digests=digests)

    contestants: dict[str, Callable[[], object]] = {
        "bare pydicom, one core": lambda: bare(folder),
        "check, one process": check(1, False),
        "check, two workers": check(2, False),
        "check, two workers, with SHA-256": check(2, True),
    }
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    computed: dict[str, list[float]] = {name: [] for name in contestants}
    check(1, False)()  # everything is in the page cache from here on
    for run in range(options.runs):
        turn = run % len(contestants)
        for name in [*list(contestants)[turn:], *list(contestants)[:turn]]:
            start, before = time.perf_counter(), cpu()
            contestants[name]()
            rates[name].append(options.files / (time.perf_counter() - start))
            computed[name].append((cpu() - before) / options.files)
        if options.others:
            done = subprocess.run(
                [options.others, "-c", OTHERS, folder], capture_output=True, check=True, text=True
            )
            for name, (rate, refused) in json.loads(done.stdout.splitlines()[-1]).items():
                rates.setdefault(f"{name} ({refused} refused), one core, nothing written", []).append(rate)
    base = statistics.median(rates["bare pydicom, one core"])
    findings = [f for file in check_paths([folder], profile=profile).files for f in file.findings]
    leaks = sum(f.rule.startswith("leak") for f in findings)
    print(f"\n{kind}: {len(findings)} findings, {leaks} of them leaks")
    for name, values in rates.items():
        middle = statistics.median(values)
        spread = f"({min(values):.0f} to {max(values):.0f})"
        own = f"{1000 * statistics.median(computed[name]):5.2f} ms CPU" if name in computed else ""
        print(f"  {middle:8.0f} files/s {spread:16} {middle / base:5.2f} x bare {own:13}  {name}")


def cpu() -> float:
    """Seconds that this process and those it waited for have computed."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


if __name__ == "__main__":
    main()
