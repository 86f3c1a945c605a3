"""Options that infer's commands have in common. Tested in tests/cli/test_infer.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.options import Force, Json, PassphraseFile, To
from privxray.cli.prompts import party_words, passphrase

if TYPE_CHECKING:
    from privxray.workflow.inference.trust import Prompts

Model = Annotated[
    str | None,
    typer.Option(
        "--model", help="Which model: the first 8 or more digits of its fingerprint.", show_default=False
    ),
]
PartyWords = Annotated[
    str | None,
    typer.Option(
        "--key-words", help="The other party's twelve key words, instead of asking.", show_default=False
    ),
]


@dataclass(frozen=True)
class ModelOptions:
    """What ``offer`` and ``read`` take: a model, and a file that may be replaced."""

    model: Model = None
    force: Force = False
    passphrase_file: PassphraseFile = None
    as_json: Json = False

    @property
    def passphrase(self) -> Callable[[], str]:
        """How to get the passphrase."""
        return passphrase(self.passphrase_file)


@dataclass(frozen=True)
class ReplyOptions:
    """What ``ask`` and ``answer`` take: where the file goes, and how the other party is known."""

    to: To = None
    words: PartyWords = None
    passphrase_file: PassphraseFile = None
    as_json: Json = False

    def prompts(self, who: str) -> Prompts:
        """How to get the passphrase, and the key words of the other party.

        :param who: ``owner`` or ``hospital``.
        """
        from privxray.workflow.inference.trust import Prompts

        return Prompts(passphrase(self.passphrase_file), party_words(self.words, who))


def images_of(count: int) -> str:
    """How many images, in words of a sentence."""
    return "1 image" if count == 1 else f"{count} images"
