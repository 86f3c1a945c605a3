"""Options and arguments that several commands take, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from privxray.cli.options.known_names import parties, studies


def _folder(to: Path | None) -> Path | None:
    """The value of ``--to``; looked at before the command asks for a passphrase."""
    from privxray.workflow.common.deliver import chosen_folder

    return None if to is None else chosen_folder(to, to)


ImageFiles = Annotated[
    list[Path], typer.Argument(metavar="IMAGES", help="DICOM, JPEG or PNG files, or folders of them.")
]
ImagesFolder = Annotated[
    Path | None,
    typer.Option("--images", help="The images' folder, if not beside the csv.", show_default=False),
]
Study = Annotated[
    str | None,
    typer.Option(
        "--study", help="Which study, if several are joined.", show_default=False, autocompletion=studies
    ),
]
Constants = Annotated[
    bool, typer.Option("--constants", help="Also show a plan's constants, and the keys of its parties.")
]
KeyWords = Annotated[
    str | None,
    typer.Option("--key-words", help="The study's twelve key words, instead of asking.", show_default=False),
]
Ocr = Annotated[bool, typer.Option("--ocr", help="Search the pixels for text as well (needs privxray[ocr]).")]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without",
        help="Leave this party out for good; may be repeated.",
        show_default=False,
        autocompletion=parties,
    ),
]
To = Annotated[
    Path | None,
    typer.Option(
        "--to",
        help="Write into this folder, which has to be there; for instance a stick.",
        show_default=False,
        callback=_folder,
    ),
]
PatientsUpTo = Annotated[
    Literal["100", "1000", "10000", "100000"] | None,
    typer.Option(
        "--patients-up-to",
        help="A hospital's size as its card states it: at most so many patients, now and later.  "
        "[default: what it stated before, or 1000]",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        envvar="PRIVXRAY_PASSPHRASE_FILE",
        help="Read the passphrase from the first line of this file instead of asking.",
        show_default=False,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        min=1,
        max=64,
        help="Worker processes.  [default: one a processor, at most 8]",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a text.")]
