"""The documentation as a site, built without a warning and read by a browser without a network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from chromium import AXE

ROOT = Path(__file__).parents[2]
PAGES = (
    "index.html",
    "TUTORIAL.html",
    "ARCHITECTURE.html",
    "commands/budget.html",
    "adr/index.html",
    "guides/hospital.html",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    line = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        line,
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def seen(page: Any) -> list[str]:
    """What is wrong, filled in while the page is used: console lines, errors, what is not from the disk."""
    found: list[str] = []
    page.on("console", lambda message: found.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on(
        "request", lambda one: found.append(one.url) if not one.url.startswith(("file:", "data:")) else None
    )
    return found


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [390, 1600])
def test_a_page_fetches_nothing_and_does_not_scroll_sideways(
    name: str, width: int, site: Path, browser: Any
) -> None:
    context = browser.new_context(offline=True, viewport={"width": width, "height": 900})
    try:
        page = context.new_page()
        wrong = seen(page)
        page.goto((site / name).as_uri())
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0
        assert page.evaluate("document.fonts.size") == 0
        assert wrong == []
    finally:
        context.close()


def test_the_search_works_from_the_disk(site: Path, browser: Any) -> None:
    context = browser.new_context(offline=True, viewport={"width": 1600, "height": 900})
    try:
        page = context.new_page()
        wrong = seen(page)
        page.goto((site / "commands" / "budget.html").as_uri())
        page.keyboard.press("/")
        page.keyboard.type("withdraw")
        page.wait_for_selector(".md-search-result__link")
        links = [one.get_attribute("href") for one in page.query_selector_all(".md-search-result__link")]
        assert any("withdraw" in str(link) for link in links)
        assert wrong == []
    finally:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["TUTORIAL.html", "commands/budget.html"])
def test_axe_finds_nothing(name: str, scheme: str, site: Path, browser: Any) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1400, "height": 900})
    try:
        page = context.new_page()
        page.goto((site / name).as_uri())
        page.evaluate(AXE.read_text())
        options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
        told = page.evaluate("options => axe.run(document, options)", options)
        assert [(one["id"], one["nodes"][0]["target"]) for one in told["violations"]] == []
    finally:
        context.close()


def test_no_page_names_a_script_font_or_style_from_elsewhere(site: Path) -> None:
    for path in [*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.js")]:
        text = path.read_text("utf-8")
        assert 'src="http' not in text, path
        assert "url(http" not in text, path
        assert "unpkg.com" not in text, path
        assert "googleapis" not in text, path
