"""Is the picture the same as a second decoder's? Every monochrome frame of three public sets, to 1 of 255.

    apt-get install dcmtk libgdcm-tools
    python tests/benchmarks/decoders.py

The files are all that pydicom carries, and those of pydicom-data and deid-data. The second decoder is dcmtk's
``dcmj2pnm`` (``dcml2pnm`` for JPEG-LS); it does not read JPEG 2000, so ``gdcmconv`` unpacks that first. dcmtk
is told which of its ways to show is asked for, the one that privxray takes: the first VOI LUT, the first
window, the stretch from the smallest to the largest value, or nothing (8 bits).

Printed are the files that differ by more than 1 of 255 anywhere, with the difference, those of which only one
of the two makes a picture, with the reason, and the counts. Padding, which dcmtk shows, is left out.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom import Dataset
from pydicom.uid import JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes

from privxray.errors import MalformedError
from privxray.imaging.decode import display
from privxray.imaging.display import grey_pipeline as steps
from privxray.imaging.display.lookup_table import first_table
from privxray.imaging.display.sample_bits import SampleBits

PACKAGES = ("pydicom", "data_store", "deid_data")
NOT_ONE_FRAME = ("image.no-pixels", "image.not-monochrome", "image.several-frames", "image.no-meta")
SAME = 1.0
REASONS = {
    "JPEG-lossy.dcm": "its scan header says 0 to 0 for 0 to 63; libjpeg refuses it, dcmtk warns and goes on",
    "JPEG2000-embedded-sequence-delimiter.dcm": "its codestream names another width than the header",
    "MR_truncated.dcm": "the pixel data is cut off",
    "JPGExtended.dcm": "lossy: two inverse cosine transforms, and 265 of 4,096 values are stretched to 255",
    "liver_1frame.dcm": "1 bit: dcmtk shows the larger of two values as 128 of 255",
    "liver_expb_1frame.dcm": "1 bit: dcmtk shows the larger of two values as 128 of 255",
    "rtdose_expb_1frame.dcm": "32 bits, big endian: dcmtk shows other values than of its little-endian twin",
}
"""Looked into by hand."""


def main() -> None:
    """Compare all files and print what is not the same."""
    warnings.simplefilter("ignore")
    counts: Counter[str] = Counter()
    seen: set[bytes] = set()
    for path in sources():
        data = path.read_bytes()
        if data[128:132] != b"DICM" or data in seen:
            continue
        seen.add(data)
        outcome, note = compare(path, data)
        counts[outcome] += 1
        if note:
            print(f"{outcome:<12} {path.name}: {note}")
            print(f"{'':<12} because {REASONS.get(path.name, 'of what is not known yet')}")
    version = subprocess.run(["dcmj2pnm", "--version"], capture_output=True, text=True, check=True)
    print(version.stdout.splitlines()[0].strip("$ "), "Python", sys.version.split()[0])
    for outcome, count in sorted(counts.items()):
        print(f"{outcome:<12} {count}")


def sources() -> list[Path]:
    """All files of the packages."""
    folders = [Path(spec.origin).parent for spec in map(find_spec, PACKAGES) if spec and spec.origin]
    return sorted({path for folder in folders for path in folder.rglob("*") if path.is_file()})


def compare(path: Path, data: bytes) -> tuple[str, str]:
    """``same``, ``differs``, ``only one``, ``neither`` or ``no frame``, and what is to be said of it."""
    try:
        ours = np.rint(display(data, name=path.name))
    except MalformedError as error:
        if error.reason in NOT_ONE_FRAME:
            return "no frame", ""
        theirs, why = second(path, pydicom.dcmread(BytesIO(data)), ["-W"])
        return ("neither", f"{error.what}; {why}") if theirs is None else ("only one", error.what)
    file = pydicom.dcmread(BytesIO(data))
    bits = SampleBits.of(file)
    file.pixel_array_options(correct_unused_bits=False)
    stored = bits.values(file.pixel_array)
    padding = steps.padding_mask(file, bits, stored)
    theirs, why = second(path, file, way_to_show(file, bits, stored))
    if theirs is None:
        return "only one", f"not by dcmtk: {why}"
    if theirs.shape != ours.shape:
        return "differs", f"{ours.shape} and {theirs.shape}"
    apart = np.abs(ours - theirs)
    if padding is not None:
        apart[padding] = 0
    worst = float(apart.max())
    return ("same", "") if worst <= SAME else ("differs", f"by up to {worst:.0f}, mean {apart.mean():.2f}")


def way_to_show(file: Dataset, bits: SampleBits, stored: steps.Values) -> list[str]:
    """The options by which dcmtk shows what privxray shows."""
    measured = steps.modality_values(file, bits, stored)
    if first_table(file, "VOILUTSequence", measured.inputs) is not None:
        return ["+Wl", "1"]
    if (window := steps.first_window(file)) is not None:
        sigmoid = ["+Wfs"] if file.get("VOILUTFunction") == "SIGMOID" else []
        return ["+Ww", *map(str, window), *sigmoid]
    return ["-W"] if measured.bits <= 8 else ["+Wm"]


def second(path: Path, file: Dataset, options: list[str]) -> tuple[np.ndarray | None, str]:
    """The picture of the second decoder, or None and why there is none."""
    syntax = file.file_meta.get("TransferSyntaxUID")
    program = "dcml2pnm" if syntax in JPEGLSTransferSyntaxes else "dcmj2pnm"
    with tempfile.TemporaryDirectory() as folder:
        source, picture = path, Path(folder) / "x.pgm"
        if syntax in JPEG2000TransferSyntaxes:
            source = Path(folder) / "x.dcm"
            subprocess.run(["gdcmconv", "-w", str(path), str(source)], capture_output=True, check=False)
        command = [program, "-O", "+Mc", *options, str(source), str(picture)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not picture.exists():
            lines = [line for line in done.stderr.splitlines() if line[:2] in ("E:", "F:")]
            return None, lines[0] if lines else "no picture"
        with Image.open(picture) as image:
            return np.asarray(image.convert("L")).astype(np.float32), ""


if __name__ == "__main__":
    main()
