"""From the Markdown that GitHub reads to the one that mkdocs reads. Tested in tests/unit/test_manual.py.

GitHub begins a list right below a paragraph, and takes what is indented like its text for a part of
the item. Python-Markdown wants an empty line before, and four blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ITEM = re.compile(r"([-*] |\d+\. )\S")


def for_mkdocs(markdown: str) -> str:
    """The same page, with its lists as Python-Markdown wants them."""
    return "\n".join(_lines(markdown.split("\n")))


def _lines(lines: list[str]) -> Iterator[str]:
    depth = 0  # how far the text of the item at hand is indented; 0 outside of a list
    before, fenced, parted = "", False, False  # parted: an item of this list has several paragraphs
    for line in lines:
        fenced ^= line.lstrip().startswith("```")
        item = None if fenced else _ITEM.match(line)
        if item:
            if before.strip() and (not depth or parted):
                yield ""
            parted = parted and depth > 0
            depth = len(item[1])
            yield line
        elif depth and line.startswith(" " * depth):
            parted = parted or not before.strip()
            yield " " * 4 + line[depth:]
        else:
            if line.strip() and not before.strip():
                depth = 0
            yield line
        before = line
