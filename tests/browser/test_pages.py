"""Every page that privxray writes, in a real Chromium without a screen: `make test-browser`.

No error in the console, nothing that scrolls sideways from 390 to 1600 pixels, in light and dark, and no
violation that axe-core finds. It is skipped where Chromium, playwright or axe-core is absent:
tests/browser/run.sh fetches them. None of them belongs to the package.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chromium import AXE
from written_pages import PAGES

WIDTHS = (390, 768, 1200, 1600)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


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
