"""Every test runs without a network: in this process and in those that it starts."""

from __future__ import annotations

import os
import runpy
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from played_study import Snapshots

NETBLOCK = Path(__file__).parent / "netblock"
SHARED = Path(__file__).parents[2] / "shared" / "data"

runpy.run_path(str(NETBLOCK / "sitecustomize.py"))
os.environ["PYTHONPATH"] = os.pathsep.join(
    part for part in (str(NETBLOCK), os.environ.get("PYTHONPATH", "")) if part
)
os.environ.pop("PRIVXRAY_PASSPHRASE_FILE", None)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or what the tests start could not be cancelled
try:
    from hypothesis import HealthCheck, settings
except ModuleNotFoundError:  # tests/arm64 boots with few packages
    pass
else:
    # It tries the same examples in every run, or others each time where somebody asks for it.
    # A slow machine is no failure.
    settings.register_profile(
        "suite",
        derandomize=not os.environ.get("PRIVXRAY_FRESH_EXAMPLES"),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("suite")
WORKER = os.environ.get("PYTEST_XDIST_WORKER")
if WORKER:  # tests run side by side, a core each; before torch is imported, and for what the tests start
    os.environ["OMP_NUM_THREADS"] = "1"


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


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Snapshots:
    """A small study at each of its stages, played once a session, whichever worker wants it first."""
    from played_study import snapshots_in

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if WORKER else base) / "study"
    folder.mkdir(exist_ok=True)
    return snapshots_in(folder)
