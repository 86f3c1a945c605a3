"""Every test runs without a network: in this process and in those that it starts."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

NETBLOCK = Path(__file__).parent / "netblock"
SHARED = Path(__file__).parents[2] / "shared" / "data"

runpy.run_path(str(NETBLOCK / "sitecustomize.py"))
os.environ["PYTHONPATH"] = os.pathsep.join(
    part for part in (str(NETBLOCK), os.environ.get("PYTHONPATH", "")) if part
)
os.environ.pop("PRIVXRAY_PASSPHRASE_FILE", None)


@pytest.fixture(autouse=True)
def _stay_in_place() -> Iterator[None]:
    before = Path.cwd()
    yield
    os.chdir(before)


@pytest.fixture(scope="session")
def xrays() -> Path:
    """The real radiographs, where this machine has them."""
    folder = SHARED / "paediatric-cxr"
    if not (folder / "labels.csv").is_file():
        pytest.skip("the paediatric chest X-rays are not on this machine")
    return folder
