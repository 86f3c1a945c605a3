"""A Chromium for the tests of this folder. Without one they are skipped; tests/browser/run.sh fetches it."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import AXE
from played_study import Snapshots
from written_pages import MAKERS


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (make test-browser)")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("there is no chromium here (Debian: apt-get install chromium)")
    if not AXE.is_file():
        pytest.skip("axe-core is not here (make test-browser fetches it)")
    with api.sync_playwright() as playwright:
        try:
            options = ["--no-sandbox", "--disable-dev-shm-usage"]
            started = playwright.chromium.launch(executable_path=found, args=options)
        except api.Error:
            pytest.skip("the chromium here does not start")
        yield started
        started.close()


@pytest.fixture(scope="session")
def page_of(
    browser: Any, snapshots: Snapshots, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Writes a page, once."""
    folder = tmp_path_factory.mktemp("pages")

    @functools.cache
    def made(name: str) -> Path:
        path = folder / f"{name}.html"
        MAKERS[name](snapshots, folder / f"{name}-world", path)
        return path

    return made
