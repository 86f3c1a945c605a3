"""Take out of a bundle what no command reads: tests, headers, libraries for linking, type stubs, programs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

# Folders and patterns that go, one or several a line.
FOLDERS = (
    *("torch/include", "torch/test", "torch/share", "torch/bin", "torch/utils/benchmark"),
    *("bin", "Scripts", "share", "benchmarks", "examples", "caffe2"),
    *("pydicom/data/test_files", "pydicom/data/charset_files", "matplotlib/mpl-data/sample_data"),
    *("onnxruntime/transformers", "onnxruntime/tools", "onnxruntime/quantization"),
    # What rapidocr wants for its own code, of which nothing runs: only its networks are read.
    *("cv2", "opencv_python_headless.libs", "shapely", "shapely.libs", "Shapely.libs"),
)
FILES = (
    *("*.lib", "*.pyi", "*.h", "*.hpp", "*.pyx", "*.pxd", "*.c", "*.cpp", "*.a", "*.pdb", "*.cu", "*.cuh"),
    *("opencv_videoio_ffmpeg*.dll", "RECORD"),
)
NEEDED = {"torch", "numpy", "sympy", "scipy", "opacus"}
"""Packages that import a folder of the name ``test`` themselves, or may."""


def main() -> None:
    """Slim the folder that is named."""
    site = Path(sys.argv[1]) / "site"
    before = size(site)
    for name in FOLDERS:
        shutil.rmtree(site / name, ignore_errors=True)
    for pattern in FILES:
        for path in list(site.rglob(pattern)):
            if path.is_file():
                path.unlink()
    for folder in sorted(site.rglob("*"), reverse=True):
        if folder.is_dir() and (folder.name == "__pycache__" or is_tests(folder.relative_to(site))):
            shutil.rmtree(folder)
    print(f"packages: {before / 1e6:,.0f} MB, slimmed to {size(site) / 1e6:,.0f} MB")


def is_tests(inside: Path) -> bool:
    """Whether a folder holds a package's tests, and no command imports it."""
    return inside.name == "tests" or (inside.name == "test" and inside.parts[0] not in NEEDED)


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
