"""The errors that privxray tells a person about.

Each carries three things, because a data officer needs all three: *what* went wrong, *where* (a file or
a setting, never a patient's value), and *what to do next*. Scripts and tests need a fourth, which never
changes: its *reason*. Library code raises them; only ``cli.failures``
turns them into a line on stderr and an exit code.

An error text is public: it may be mailed to a colleague or pasted into a ticket. So nothing read out of
an image, a label or a patient's record goes into one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

STATUS_SAYS = "Type: privxray status"
"""The advice, or its last sentence, of a refusal whose way out depends on where the workspace stands. At the
terminal what ``status`` says there stands in its place (:mod:`privxray.cli.way_out`)."""


class PrivxrayError(Exception):
    """Base of every error that is explained to the user.

    :param what: one sentence without a full stop, lower case, naming the failed check.
    :param reason: its stable name, listed in ``privxray/explanations/reasons``; wording may change, this not.
    :param file: the file or folder concerned, printed before the sentence.
    :param advice: what to do next, ideally the command to type.
    :ivar places: all rows or files that are wrong, by the reason, where one error tells of many.
    """

    exit_code: int = 1

    def __init__(self, what: str, *, reason: str, file: Path | str | None = None, advice: str = "") -> None:
        super().__init__(what)
        self.reason = reason
        self.what = what
        self.file = None if file is None else str(file)
        self.advice = advice
        self.places: Mapping[str, Sequence[str]] = {}

    def __str__(self) -> str:
        line = f"{self.file}: {self.what}" if self.file else self.what
        stop = "" if line.endswith("?") else "."
        return f"{line}{stop} {self.advice}" if self.advice else line


class SystemTroubleError(PrivxrayError):
    """The operating system refused: disk full, no permission, a file that vanished. Exit 1."""

    exit_code = 1


class AbsentFileError(SystemTroubleError):
    """A file that was typed can't be opened. It may be an image that is called after its patient. Exit 1."""


class UsageError(PrivxrayError):
    """The options or values of a command make no sense, alone or together. Exit 2."""

    exit_code = 2


class FindingsError(PrivxrayError):
    """A check found something, and its report, which tells what, was printed. Exit 3."""

    exit_code = 3


class NotTakenInError(FindingsError):
    """Images did not pass the check and stay out. No report was printed. Exit 3."""


class RefusedError(PrivxrayError):
    """A rule of the tool or of the study forbids it: it exists already, it was done before. Exit 4."""

    exit_code = 4


class WorkspaceError(PrivxrayError):
    """There is no workspace here, or it is not yet ready for this command. Exit 10."""

    exit_code = 10


class MalformedError(PrivxrayError):
    """A file is not what it should be: truncated, altered, undecodable, an impossible csv. Exit 11."""

    exit_code = 11


class StrangeFileError(MalformedError):
    """A file that is none of privxray's. It may be an image that is called after its patient. Exit 11."""


class WrongKeyError(PrivxrayError):
    """A wrong passphrase, or a file sealed to somebody else. Exit 12."""

    exit_code = 12


class IdentityError(PrivxrayError):
    """A signature, a signer or key words that don't match whom we trust. Exit 13."""

    exit_code = 13


class BudgetError(PrivxrayError):
    """The privacy budget does not allow it; nothing was spent. Exit 14."""

    exit_code = 14


class CohortError(PrivxrayError):
    """Not every hospital of the round has delivered a good update. Exit 15."""

    exit_code = 15


class CancelledError(PrivxrayError):
    """The person at the terminal cancelled the command. Exit 130."""

    exit_code = 130


@contextmanager
def about(file: Path | str) -> Iterator[None]:
    """Name ``file`` in any error of the block that names none yet."""
    try:
        yield
    except PrivxrayError as error:
        if error.file is None:
            error.file = str(file)
        raise
