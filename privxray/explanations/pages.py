"""docs/REASONS.md and docs/GLOSSARY.md: ``python -m privxray.explanations.pages docs`` writes both."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from privxray.explanations.catalogue import glossary, reasons

MADE = "Made by `python -m privxray.explanations.pages docs`; a test fails where this page is out of date.\n"


def reasons_page() -> Iterator[str]:
    """The table of reasons, part by part."""
    yield f"# Why a command ends without success\n\n{MADE}\n"
    yield (
        "Every error has a reason with a stable name. `--json` and `--verbose` show it, and `privxray help\n"
        "REASON` prints what stands here. The wording of messages may change; the names don't.\n\n"
    )
    yield "| reason | exit code | what happened | what to do |\n| --- | --- | --- | --- |\n"
    for reason in reasons().values():
        yield f"| `{reason.name}` | {reason.exit_code} | {reason.cause} | {reason.remedy} |\n"


def glossary_page() -> Iterator[str]:
    """The list of words, part by part."""
    yield f"# Words that privxray uses\n\n{MADE}\n"
    yield "`privxray help WORD` prints one.\n\n"
    yield "| word | what it means |\n| --- | --- |\n"
    for word, meaning in glossary().items():
        yield f"| {word} | {meaning} |\n"


def main(folder: Path) -> None:
    """Write both pages into ``folder``."""
    (folder / "REASONS.md").write_text("".join(reasons_page()), "utf-8")
    (folder / "GLOSSARY.md").write_text("".join(glossary_page()), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
