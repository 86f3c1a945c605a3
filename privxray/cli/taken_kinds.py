"""Which kinds of files a command takes, for whoever slips and for a shell that completes names.

Tested in tests/cli/test_wrong_orders.py and tests/cli/test_completion.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from privxray.formats.header import Kind

TAKES: Final[dict[str, tuple[Kind, ...]]] = {
    "plan": ("card",),
    "join": ("plan", "succession"),
    "accept": ("model", "plan", "summary"),
    "aggregate": ("update", "share", "agreement"),
    "unmask": ("request",),
    "verify": ("proof", "model", "plan"),
    "distrust": ("revocation", "succession"),
    "vote": ("candidacy",),
    "infer answer": ("query",),
    "infer read": ("answer",),
}
COMPLETES: Final[dict[str, tuple[Kind, ...]]] = TAKES | {
    "verify": ("proof", "model", "summary", "plan"),
    "plan": ("card", "update", "share", "waiver", "refusal"),
    "succeed": ("card", "plan"),
    "infer ask": ("offer",),
    "model export": ("model",),
    "inspect": (),
}
"""What a shell completes: all that may be typed, also what is rarely next. None stands for any kind."""
