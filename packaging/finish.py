"""Compile a bundle's modules, list the SHA-256 of its files, and zip it.

The compiled modules are those of this Python, 3.11, which every 3.11 reads, on Windows as well. They are
taken without a look at the source's time, so starting is as fast as from an installation.
"""

from __future__ import annotations

import compileall
import hashlib
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from py_compile import PycInvalidationMode

STAMP = (2026, 1, 1, 0, 0, 0)  # every file's time in the zip, so that the same files give the same zip


def main() -> None:
    """Finish the folder that is named; the zip is written beside it, with its SHA-256."""
    top = Path(sys.argv[1])
    compileall.compile_dir(
        top, maxlevels=50, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH, stripdir=str(top)
    )
    files = sorted(path for path in top.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    with ThreadPoolExecutor(2) as pool:
        digests = list(pool.map(digest, files))
    lines = [
        f"{found}  {path.relative_to(top).as_posix()}\n" for found, path in zip(digests, files, strict=True)
    ]
    (top / "SHA256SUMS").write_text("".join(lines))
    zipped = top.with_name(top.name + ".zip")
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in [*files, top / "SHA256SUMS"]:
            entry = zipfile.ZipInfo(f"{top.name}/{path.relative_to(top).as_posix()}", STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if path.stat().st_mode & 0o100 else 0o100644) << 16
            archive.writestr(entry, path.read_bytes())
    zipped.with_name(zipped.name + ".sha256").write_text(f"{digest(zipped)}  {zipped.name}\n")
    total = sum(path.stat().st_size for path in files)
    sizes = f"{total / 1e6:,.0f} MB; {zipped.name}: {zipped.stat().st_size / 1e6:,.0f} MB"
    print(f"{top}: {len(files):,} files, {sizes}")


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    main()
