"""Which system calls the child of `infer answer` makes after it has raised its filter, as strace sees them.

    python tests/arm64/calls.py FOLDER

One line: the calls that went through, and those that failed for want of the right.
tests/unit/test_system_calls.py has both lists.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "unit")]

from inference_heads import a_head, asked, owner_of, unit_rows  # noqa: E402 - found through the line above

from privxray.inference import sandbox  # noqa: E402
from privxray.inference.terms import Terms  # noqa: E402
from privxray.system import child  # noqa: E402

IMAGES = 30


def main() -> None:
    """Answer on three terms, each in a child under strace."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    through: set[str] = set()
    failed: set[str] = set()
    real = child.run
    for number, terms in enumerate((Terms(), Terms(top1=True), Terms(decimals=6))):
        told = folder / f"{number}.strace"
        child.run = lambda command, *rest, told=told: real(["strace", "-f", "-o", str(told), *command], *rest)
        owner = owner_of(a_head(), terms)
        sandbox.evaluate(owner, asked(owner, unit_rows(IMAGES, 96))[1], IMAGES)
        after = told.read_text().partition("seccomp(SECCOMP_SET_MODE_FILTER")[2].splitlines()[1:]
        for line in after:
            if found := re.match(r"\d+ +(\w+)\(", line):
                (failed if "EPERM" in line else through).add(found[1])
    print("through:", *sorted(through), "- failed:", *sorted(failed))


if __name__ == "__main__":
    main()
