"""How often do pixels spell letters or digits by chance?

    python tests/benchmarks/pixel_letters.py [--length 8] [--pictures FOLDER]

Of the files with pixels that pydicom, pydicom-data and deid-data carry: at how many of their bytes a row of
so many ASCII letters, digits or both begins, in 8 bits and as UTF-16. ``--pictures`` takes JPEG and PNG
instead, as grey of 8 bits. :mod:`privxray.deid.values.long_words` argues from these figures.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
from conformance import bundled_files
from PIL import Image

KINDS = {"digits": b"0123456789", "letters": bytes([*range(65, 91), *range(97, 123)])}
KINDS["both"] = KINDS["digits"] + KINDS["letters"]


def rows(flags: npt.NDArray[np.bool_], length: int) -> int:
    """At how many places so many flags in a row are set."""
    sums = np.cumsum(np.concatenate([[0], flags.astype(np.int64)]))
    return int(((sums[length:] - sums[:-length]) == length).sum()) if len(flags) >= length else 0


def counted(data: bytes, length: int) -> dict[str, tuple[int, int]]:
    """By kind of sign: places in 8 bits, and in UTF-16."""
    values = np.frombuffer(data, np.uint8)
    pairs = values[: len(values) // 2 * 2].reshape(-1, 2)
    found = {}
    for kind, signs in KINDS.items():
        table = np.zeros(256, bool)
        table[list(signs)] = True
        wide = table[pairs[:, 0]] & (pairs[:, 1] == 0)
        found[kind] = rows(table[values], length), rows(wide, length)
    return found


def pixels(pictures: Path | None) -> Iterator[tuple[str, bytes]]:
    """The names and the stored pixels of files."""
    if pictures is not None:
        for path in sorted(pictures.rglob("*")):
            if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
                yield path.name, Image.open(path).convert("L").tobytes()
        return
    for path in bundled_files():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(path, force=True).get("PixelData")
        if data:
            yield path.name, bytes(data)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--length", type=int, default=8)
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    files = [(name, len(data), counted(data, options.length)) for name, data in pixels(options.pictures)]
    print(f"{len(files)} files, {sum(size for _, size, _ in files):,} bytes")
    for kind in KINDS:
        for place, how in enumerate(("8 bits", "UTF-16")):
            share = [found[kind][place] / size for _, size, found in files]
            worst = int(np.argmax(share))
            name, size, found = files[worst]
            print(
                f"{options.length} {kind:7} in {how}: mean {np.mean(share):.5f} of the bytes, "
                f"most {found[kind][place]:,} of {size:,} ({name})"
            )


if __name__ == "__main__":
    main()
