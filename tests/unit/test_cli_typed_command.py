"""Only names that privxray itself knows are read off a command line."""

from __future__ import annotations

import pytest

from privxray.cli.app import _parser
from privxray.cli.typed_command import typed_command


@pytest.mark.parametrize(
    ("words", "command", "options"),
    [
        (["train", "--epsilon", "6"], "train", ("--epsilon",)),
        (["train", "--epsilon=6"], "train", ("--epsilon",)),
        (["-C", "train", "infer", "ask", "card", "--to", "/mnt"], "infer ask", ("--to", "-C")),
        (["check", "plan", "--json"], "check", ("--json",)),
        (["train", "--patient-mustermann"], "train", ()),
        (["--verbose", "report", "study"], "report study", ("--verbose",)),
        (["check", "--", "--json"], "check", ()),
        (["mustermann.dcm"], "", ()),
        ([], "", ()),
    ],
)
def test_a_command_and_its_options_are_named_and_nothing_else(
    words: list[str], command: str, options: tuple[str, ...]
) -> None:
    assert typed_command(_parser(), words) == (command, options)
