"""Are copies as conformant as their originals? ``dciodvfy`` of Debian's dicom3tools judges before and after.

    python tests/benchmarks/conformance.py [--verbose] [--folder FOLDER]

Every DICOM file that pydicom, pydicom-data and deid-data carry is de-identified twice, by the Basic Profile
and by the packaged profile ``research``. ``dciodvfy`` judges the original and each copy. An error line that
the copy has and the original has not, or has less often, is a new error. ``dciodvfy`` reads no deflated data
sets and none without file meta, so originals are inflated and completed first.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import pydicom
from pydicom.uid import ExplicitVRLittleEndian

from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.verify_copy import NotCleanError
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.part10 import completed
from privxray.deid.profile.profile_file import load_profile

KEY = bytes(range(32))
TOOL = "dciodvfy"
_UID = re.compile(
    r"(?<=InstanceUID )[0-9.]+|[0-9]+(?:\.[0-9]+){2,}"
)  # replaced in the copy, and no part of what is wrong


def bundled_files() -> list[Path]:
    """The DICOM files that the packages of test data carry."""
    folders = [Path(pydicom.__file__).parent / "data"]
    for package in ("data_store", "deid_data"):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            folders.append(Path(spec.submodule_search_locations[0]) / "data")
    return [
        path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file() and _dicom(path)
    ]


def _dicom(path: Path) -> bool:
    with path.open("rb") as stream:
        return is_dicom(stream.read(132))


def errors_of(path: Path) -> Counter[str]:
    """The error lines of ``dciodvfy`` on one file."""
    done = subprocess.run([TOOL, str(path)], capture_output=True, timeout=120, check=False)
    lines = (done.stderr + done.stdout).decode("latin-1").splitlines()
    return Counter(_UID.sub("UID", line) for line in lines if line.startswith("Error"))


def readable(path: Path, folder: Path) -> Path:
    """The file as ``dciodvfy`` can read it: with its file meta, and inflated."""
    whole = folder / "original.dcm"
    data = path.read_bytes()
    whole.write_bytes(completed(data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(whole)
        if ds.file_meta.TransferSyntaxUID.is_deflated:
            ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            ds.save_as(whole)
    return whole


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--verbose", action="store_true", help="name the file and the line of each new error")
    parser.add_argument("--folder", type=Path, help="the files of this folder instead")
    options = parser.parse_args()
    files = bundled_files()
    if options.folder is not None:
        files = [path for path in sorted(options.folder.rglob("*")) if path.is_file() and _dicom(path)]
    before: dict[Path, Counter[str]] = {}
    for name in ("basic", "research"):
        settings = CopySettings(load_profile(name), Pseudonyms(KEY))
        copies, broken, kinds = 0, 0, Counter[str]()
        with tempfile.TemporaryDirectory() as folder:
            for path in files:
                try:
                    copy = deidentify(path.read_bytes(), settings)
                except NotCleanError:
                    continue
                copies += 1
                made = Path(folder, "copy.dcm")
                made.write_bytes(copy.data)
                if path not in before:
                    before[path] = errors_of(readable(path, Path(folder)))
                new = errors_of(made) - before[path]
                broken += bool(new)
                kinds += new
                if options.verbose:
                    for line, times in new.items():
                        print(f"  {path.name}: {times} x {line}")
        print(
            f"{name}: {len(files)} files, {copies} copies, {broken} with a new error, "
            f"{sum(kinds.values())} new error lines of {len(kinds)} kinds",
            flush=True,
        )
        for line, times in kinds.most_common(40):
            print(f"  {times:5} {line}")


if __name__ == "__main__":
    sys.exit(main())
