"""Every page printed to A4, and used without a mouse.

On paper: a real PDF, read again by poppler (skipped where it is absent). Nothing is cut off at the right,
no heading is the last thing on its page, the paper is white in dark mode, too, and what is folded away on a
screen is printed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from written_pages import PAGES

A4 = (595, 842)
"""Points."""
MARGIN = 14 / 25.4 * 72
FOCUSABLE = "a[href], summary, button, input, select, textarea, [tabindex='0']"


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(color_scheme="dark", viewport={"width": 1200, "height": 900})
    yield context.new_page()
    context.close()


def lines_of(pdf: Path) -> list[list[tuple[str, float]]]:
    """The lines of each page from the top, with their right ends in points."""
    told = subprocess.run(
        ["pdftotext", "-bbox-layout", str(pdf), "-"], capture_output=True, check=True
    ).stdout.decode()
    pages = []
    for page in re.findall(r"<page .*?</page>", told, re.S):
        lines = []
        for right, bottom, words in re.findall(
            r'<line .*?xMax="([\d.]+)" yMax="([\d.]+)">(.*?)</line>', page, re.S
        ):
            text = " ".join(unescape(word) for word in re.findall(r">([^<]+)</word>", words))
            lines.append((float(bottom), text, float(right)))
        pages.append([(text, right) for _, text, right in sorted(lines)])
    return pages


@pytest.mark.parametrize("name", PAGES)
def test_on_paper_nothing_is_cut_off_and_no_heading_stands_alone(
    name: str, page: Any, page_of: Callable[[str], Path], tmp_path: Path
) -> None:
    if shutil.which("pdftotext") is None or shutil.which("pdftoppm") is None:
        pytest.skip("poppler is not here (make test-browser fetches it)")
    page.goto(page_of(name).as_uri())
    pdf = tmp_path / "page.pdf"
    page.pdf(path=str(pdf), format="A4", print_background=True, prefer_css_page_size=True)
    headings = {" ".join(text.split()) for text in page.locator("h1, h2, h3, summary").all_inner_texts()}
    pages = lines_of(pdf)
    words = " ".join(text for lines in pages for text, _ in lines)
    for lines in pages:
        assert max(right for _, right in lines) <= A4[0] - MARGIN + 2
        if lines is not pages[-1]:
            assert lines[-1][0].lstrip("▶▸ ") not in headings
    for text in page.locator("details dt").all_text_contents():
        assert " ".join(text.split()) in words
    assert white_edges(pdf, tmp_path)


def white_edges(pdf: Path, folder: Path) -> bool:
    """Whether the paper is white: all of its margin, and most of a column just inside of it."""
    from PIL import Image

    subprocess.run(["pdftoppm", "-r", "20", str(pdf), str(folder / "seen")], check=True)
    for path in folder.glob("seen*.ppm"):
        with Image.open(path) as image:
            grey = image.convert("L")
            heights = range(1, grey.height - 1)
            edge = {grey.getpixel((x, y)) for x in (1, grey.width - 2) for y in heights}
            inside = [grey.getpixel((grey.width - 14, y)) for y in heights[14:-14]]
        if edge != {255} or sum(value == 255 for value in inside) < len(inside) / 2:
            return False
    return True


def hidden_on_paper(page: Any, path: Path) -> list[str]:
    """The beginnings of what is cut off at the right edge."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1000})  # A4 without its margins, at 96 dots an inch
    page.goto(path.as_uri())
    hidden = """[...document.querySelectorAll('body, main *')].filter(one => {
        const wide = one.scrollWidth > one.clientWidth + 1
        return wide && (one == document.body || getComputedStyle(one).overflowX != 'visible')
    }).map(one => one.outerHTML.slice(0, 80))"""
    return list(page.evaluate(hidden))


@pytest.mark.parametrize("name", PAGES)
def test_what_is_wider_than_paper_is_not_hidden(name: str, page: Any, page_of: Callable[[str], Path]) -> None:
    assert hidden_on_paper(page, page_of(name)) == []


@pytest.mark.parametrize("how", ["overflow-x: auto", "margin: 0"])
def test_what_is_cut_off_is_seen(how: str, page: Any, page_of: Callable[[str], Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    wide = f'<div style="{how}"><table><tr><td>{"x" * 200}</td></tr></table></div></main>'
    broken.write_text(page_of("release").read_text().replace("</main>", wide))
    assert len(hidden_on_paper(page, broken)) == 1


@pytest.mark.parametrize("name", PAGES)
def test_the_tab_key_reaches_everything_in_order_and_shows_where_it_is(
    name: str, page: Any, page_of: Callable[[str], Path]
) -> None:
    page.goto(page_of(name).as_uri())
    page.evaluate(
        "selector => document.querySelectorAll(selector).forEach((one, place) => one.dataset.place = place)",
        FOCUSABLE,
    )
    total = page.locator(FOCUSABLE).count()
    reached = []
    for _ in range(total):
        page.keyboard.press("Tab")
        told = page.evaluate(
            """() => {
                const one = document.activeElement, how = getComputedStyle(one)
                const inside = one.getBoundingClientRect()
                return [one.dataset.place, how.outlineStyle, parseFloat(how.outlineWidth),
                        inside.bottom > 0 && inside.top < innerHeight]
            }"""
        )
        reached.append(told[0])
        assert told[1] != "none"
        assert told[2] >= 2
        assert told[3]
    assert reached == [str(place) for place in range(total)]


@pytest.mark.parametrize("name", PAGES)
def test_enter_and_space_open_what_is_folded_away(
    name: str, page: Any, page_of: Callable[[str], Path]
) -> None:
    page.goto(page_of(name).as_uri())
    for summary in page.locator("summary").all():
        for key in ("Enter", "Space"):
            before = summary.evaluate("one => one.parentElement.open")
            summary.focus()
            page.keyboard.press(key)
            assert summary.evaluate("one => one.parentElement.open") is not before
    links = page.locator("a.skip")
    if links.count():
        page.goto(page_of(name).as_uri())
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.querySelector(location.hash) !== null")
