"""The README's pictures: ``python docs/tools/pictures.py`` plays ``privxray demo`` and draws docs/pictures.

One is a recording of the terminal, as SVG; two are pages of that demo, as PNG. Its patients are invented. It
takes some minutes, a Chromium and playwright (tests/browser/run.sh fetches both, the latter into
build/browser). With a folder as argument it takes the demo that was played there before.
"""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from privxray.cli.app import run

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
COLUMNS, ROWS = 96, 40
LONGEST_WAIT = 0.8
"""Seconds that the recording waits for the next line, where the demo took longer."""
MOST_BYTES = 200_000

Recorded = list[tuple[float, str]]
"""Lines with the time at which each was printed, in seconds from the start."""


def record(folder: Path) -> Recorded:
    """Play the demo in ``folder`` at a terminal of its own, and note each line."""
    started, lines, rest = time.monotonic(), [], b""
    child, terminal = pty.fork()
    if child == 0:
        os.environ |= {"COLUMNS": str(COLUMNS), "LINES": str(ROWS), "TERM": "xterm-256color"}
        os.execv(sys.executable, [sys.executable, "-m", "privxray", "demo", str(folder), "--force"])  # noqa: S606
    status = None
    while status is None:
        ended, told = os.waitpid(child, os.WNOHANG)
        while select.select([terminal], [], [], 0.2)[0]:
            try:
                data = os.read(terminal, 4096)
            except OSError:  # the other end is closed
                break
            *whole, rest = (rest + data).split(b"\r\n")
            lines += [(time.monotonic() - started, _last_state(line)) for line in whole]
        status = told if ended else None
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError("the demo failed: " + "\n".join(text for _, text in lines[-5:]))
    return lines


def _last_state(line: bytes) -> str:
    """A line as it stood in the end, without what a progress bar had drawn there."""
    text = line.decode("utf-8", "replace").rpartition("\x1b[2K")[2].rpartition("\r")[2]
    return re.sub(r"\x1b\[(\?25[lh]|\d*[A-K])", "", text)


def drawing(lines: Recorded) -> str:
    """The recording as SVG: lines appear one after the other, where the reader has nothing against motion."""
    shown = [(0.0, "$ privxray demo"), *_without_long_lists(lines)]
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    starts: list[float] = []
    for when, text in shown:
        wrapped = Text.from_ansi(text).wrap(console, COLUMNS)
        starts += [when] * len(wrapped)
        for line in wrapped:
            console.print(line, no_wrap=True, overflow="crop")
    svg = console.export_svg(title="privxray demo", theme=SVG_EXPORT_THEME, unique_id="demo")
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # rich would fetch a font
    svg = svg.replace("Fira Code, monospace", "ui-monospace, 'DejaVu Sans Mono', Consolas, monospace")
    return _moving(svg, starts)


def _without_long_lists(lines: Recorded) -> Recorded:
    """The recording without the findings of the check, and without what comes after the last table."""
    texts = [text for _, text in lines]
    found = next(place for place, text in enumerate(texts) if text.startswith("A few more come"))
    study = next(place for place, text in enumerate(texts) if text.startswith("Making the workspaces"))
    end = next(place for place, text in enumerate(texts) if "seconds; an update has" in text)
    left_out = (lines[found][0], "[... its findings on six images ...]")
    kept = [*lines[: found + 1], left_out, *lines[study : end + 1]]
    return [one for one in kept if one[1].strip()]


def _moving(svg: str, starts: list[float]) -> str:
    delays = [0.0]
    for before, after in pairwise(starts):
        delays.append(delays[-1] + min(after - before, LONGEST_WAIT))

    def line(found: re.Match[str]) -> str:
        delay = delays[min(int(found[1]), len(delays) - 1)]
        return f'{found[0]} style="animation-delay: {delay:.2f}s"'

    svg = re.sub(r'clip-path="url\(#demo-line-(\d+)\)"', line, svg)
    rule = (
        "@media (prefers-reduced-motion: no-preference) { text[clip-path] { animation: shown 0.1s both } "
        "@keyframes shown { from { visibility: hidden } to { visibility: visible } } }"
    )
    return svg.replace("</style>", f"{rule}</style>", 1)


def photograph(page: Path, target: Path, *, top: str, width: int, height: int) -> None:
    """A part of a page as PNG, from the element ``top`` downwards.

    :raises RuntimeError: it is larger than a README should carry.
    """
    sys.path.append(str(ROOT / "build" / "browser" / "python"))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        context = browser.new_context(color_scheme="light", viewport={"width": width, "height": height})
        shown = context.new_page()
        shown.goto(page.as_uri())
        place = shown.locator(top).evaluate("one => one.getBoundingClientRect().top + scrollY")
        area = {"x": 0, "y": place - 16, "width": width, "height": height}
        data = shown.screenshot(full_page=True, clip=area)
        browser.close()
    with Image.open(io.BytesIO(data)) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(target, optimize=True)
    if target.stat().st_size > MOST_BYTES:
        raise RuntimeError(f"{target.name} has {target.stat().st_size:,} bytes")


def _checked(folder: Path) -> Path:
    """The page of a check of the demo's leaky X-rays."""
    page = folder / "leaky.html"
    run(["check", str(folder / "leaky"), "--report", str(page), "--force", "--quiet"])
    return page


def main(folder: Path, *, play: bool) -> None:
    """Play the demo where that is wanted, and draw all three."""
    PICTURES.mkdir(exist_ok=True)
    notes = folder.with_name(folder.name + ".lines.json")
    if play:
        notes.write_text(json.dumps(record(folder)))
    lines: Recorded = [(when, text) for when, text in json.loads(notes.read_text())]
    (PICTURES / "demo.svg").write_text(drawing(lines), "utf-8")
    hospital = next(folder.glob("hospital-*"))
    training = next(hospital.glob("reports/*-training.html"))
    photograph(training, PICTURES / "training.png", top="#roc", width=1000, height=720)
    photograph(_checked(folder), PICTURES / "check.png", top="h1", width=1000, height=850)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]).resolve(), play=False)
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made).resolve() / "privxray-demo", play=True)
