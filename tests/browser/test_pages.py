"""Every page that privxray writes, in a real Chromium without a screen: `make test-browser`.

No error in the console, nothing that scrolls sideways from 390 to 1600 pixels, in light and dark, and no
violation that axe-core finds. It is skipped where Chromium, playwright or axe-core is absent:
tests/browser/run.sh fetches them. None of them belongs to the package.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import played_keyholders  # noqa: F401 - its stages
import pytest
from played_study import Snapshots, World

from privxray.demo.leaky_xrays import draw_leaky
from privxray.reports.audit_page import AuditPage, Illustration
from privxray.reports.audit_plots import enlarged

ROOT = Path(__file__).parents[2]
WIDTHS = (390, 768, 1200, 1600)
PAGES = (
    "check",
    "audit",
    "contact-sheet",
    "evaluation",
    "release",
    "training",
    "training-first",
    "study",
    "card",
    "privacy-de",
)
AXE = Path(os.environ.get("AXE_CORE") or ROOT / "build" / "browser" / "node_modules/axe-core/axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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


def _world(snapshots: Snapshots, folder: Path, stage: str) -> World:
    return World(Path(shutil.copytree(snapshots(stage), folder)))


def _check(_: Snapshots, folder: Path, path: Path) -> None:
    folder.mkdir()
    draw_leaky(folder / "leaky")
    world = World(folder.parent)
    assert world.type(folder.name, "check", "leaky", "--report", path).code == 3


def _audit(_: Snapshots, __: Path, path: Path) -> None:
    picture = enlarged(np.random.default_rng(1).integers(0, 255, (28, 28)).astype(np.uint8))
    page = AuditPage(
        title="Audit of a training",
        verdict="nothing was found beyond the claim",
        flagged=False,
        figures=[("Lower bound", "0.4"), ("Claim", "epsilon 6 (per patient, delta 1e-05)")],
        caveats=["it could not have seen a mistake smaller than 2"],
        how="One run with many canaries",
        plot=picture,
        plot_caption="Scores of the canaries",
        rows=[[Illustration(picture, "original"), Illustration(picture, "rebuilt", ("distance 0.3",))]],
        inside=True,
    )
    path.write_text(page.html("1.0", "today"))


def _contact_sheet(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "joined")
    told = world.type(
        "hospital-a", "ingest", "source/images", "--labels", "source/labels.csv", "--report", path
    )
    assert told.code == 0, told.err


def _evaluation(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "trained")
    assert world.type("hospital-a", "evaluate", "--local", "--report", path).code == 0


def _release(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "exported")
    shutil.copy(world["hospital-a"] / "updates/hospital-a-pneumonia-0001.release.html", path)


def _training(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "unaccepted")
    world.ok("hospital-a", "accept", "received/global-0001.model", asks=True)
    shutil.copy(world["hospital-a"] / "reports/pneumonia-training.html", path)


def _training_first(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "trained")
    shutil.copy(world["hospital-a"] / "reports/pneumonia-training.html", path)


def _study(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "keyholders-answered")
    world.ok("coordinator", "aggregate", "shares/*.share", asks=True)
    world.ok("coordinator", "report", "study")
    shutil.copy(world["coordinator"] / "reports/pneumonia-study.html", path)


def _card(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "aggregated")
    world.ok("coordinator", "report", "study", "--licence", "CC-BY-4.0")
    shutil.copy(world["coordinator"] / "reports/pneumonia-model-card.html", path)


def _privacy(snapshots: Snapshots, folder: Path, path: Path) -> None:
    world = _world(snapshots, folder, "exported")
    world.ok("hospital-a", "report", "privacy")
    shutil.copy(world["hospital-a"] / "reports/pneumonia-privacy-de.html", path)


MAKERS: dict[str, Callable[[Snapshots, Path, Path], None]] = {
    "check": _check,
    "audit": _audit,
    "contact-sheet": _contact_sheet,
    "evaluation": _evaluation,
    "release": _release,
    "training": _training,
    "training-first": _training_first,
    "study": _study,
    "card": _card,
    "privacy-de": _privacy,
}


def faults(browser: Any, path: Path, scheme: str) -> list[str]:
    """What is wrong with a page: the console's lines, widths at which it scrolls sideways, axe's findings."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1200, "height": 900})
    try:
        page = context.new_page()
        found: list[str] = []
        page.on("console", lambda message: found.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: found.append(f"error: {error}"))
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if wide > 0:
                found.append(f"at {width} pixels it is {wide} too wide")
            if width in (min(WIDTHS), 1200):
                found += _axe(page, width)
        return found
    finally:
        context.close()


def _axe(page: Any, width: int) -> list[str]:
    page.evaluate(AXE.read_text())
    options = {"runOnly": RULES, "resultTypes": ["violations"]}
    told = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"axe at {width}: {one['id']} {node['target']}" for one in told["violations"] for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound(name: str, scheme: str, browser: Any, page_of: Callable[[str], Path]) -> None:
    assert faults(browser, page_of(name), scheme) == []


@pytest.mark.parametrize(
    ("put_in", "told"),
    [
        ('<img src="https://example.org/x.png" alt="x">', "console: "),
        ("<script>alert(1)</script>", "console: "),
        ('<div style="width: 1500px">wide</div>', "at 390 pixels"),
        ('<img src="data:image/png;base64," width="20" height="20">', "image-alt"),
        ('<p style="color: #999; background: #ccc">faint</p>', "color-contrast"),
    ],
)
def test_what_is_wrong_is_seen(
    put_in: str, told: str, browser: Any, page_of: Callable[[str], Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text(page_of("release").read_text().replace("</main>", put_in + "</main>"))
    assert any(told in one for one in faults(browser, broken, "light"))
