"""Bundles: what is taken out, what is listed. (`make bundle` itself is typed by hand.)"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

PACKAGING = Path(__file__).parents[2] / "packaging"


def made(top: Path) -> Path:
    """A folder like a bundle, before it is slimmed."""
    for name, text in {
        "privxray": "#!/bin/sh\n",
        "python/start.py": "print('ö')\n",
        "site/torch/include/a.h": "",
        "site/torch/lib/torch.lib": "",
        "site/torch/lib/torch.dll": "dll",
        "site/torch/test/needed.py": "x = 1\n",
        "site/sklearn/tests/test_a.py": "",
        "site/sklearn/base.py": "x = 1\n",
        "site/sklearn/base.pyi": "",
        "site/sklearn-1.dist-info/METADATA": "Version: 1\n",
        "site/sklearn-1.dist-info/RECORD": "",
    }.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (top / "privxray").chmod(0o755)
    for script in ("slim.py", "finish.py"):
        subprocess.run([sys.executable, PACKAGING / script, top], check=True, capture_output=True)
    return top.with_name(top.name + ".zip")


def test_a_bundle_holds_what_is_needed_and_lists_it(tmp_path: Path) -> None:
    zipped = made(tmp_path / "one" / "privxray-1-linux")
    with zipfile.ZipFile(zipped) as archive:
        names = {name.partition("/")[2] for name in archive.namelist() if ".pyc" not in name}
        modes = {info.filename.partition("/")[2]: info.external_attr >> 16 for info in archive.infolist()}
        listed = archive.read("privxray-1-linux/SHA256SUMS").decode().splitlines()
        assert any(name.endswith("base.cpython-311.pyc") for name in archive.namelist()) == (
            sys.version_info[:2] == (3, 11)
        )
        for line in listed:
            digest, name = line.split("  ")
            assert hashlib.sha256(archive.read(f"privxray-1-linux/{name}")).hexdigest() == digest
    assert names == {
        "privxray", "python/start.py", "site/torch/lib/torch.dll", "site/sklearn/base.py",
        "site/sklearn-1.dist-info/METADATA", "SHA256SUMS",
    }  # fmt: skip
    assert len(listed) == len(modes) - 1
    assert modes["privxray"] == 0o100755
    assert modes["python/start.py"] == 0o100644
    digest = hashlib.sha256(zipped.read_bytes()).hexdigest()
    assert zipped.with_name(zipped.name + ".sha256").read_text() == f"{digest}  {zipped.name}\n"


def test_the_same_files_give_the_same_zip(tmp_path: Path) -> None:
    first, second = made(tmp_path / "a" / "bundle"), made(tmp_path / "b" / "bundle")
    assert first.read_bytes() == second.read_bytes()


def test_no_registry_is_named() -> None:
    """apt, pip and uv take what the machine is set to."""
    folders = (PACKAGING, PACKAGING.parent / "tests" / "windows")
    for path in (path for folder in folders for path in folder.iterdir() if path.is_file()):
        assert "http" not in path.read_text("utf-8"), path
