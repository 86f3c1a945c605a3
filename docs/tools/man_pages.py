"""docs/man: ``python docs/tools/man_pages.py`` writes a man page a command, in roff's macros ``man``.

The wheel installs them in share/man/man1. They carry no date, so the same help gives the same bytes.
Tested in tests/unit/test_manual.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from manual import DOCS, Command, Entry, commands, exit_codes

from privxray.version import __version__

FOLDER = DOCS / "man"


def man_pages() -> dict[str, str]:
    """The text of every man page, by the name of its file."""
    known = commands()
    return {
        f"{_page(one)}.1": "\n".join(_whole(one, known) if not one.name else _lines(one)) + "\n"
        for one in known
    }


def main() -> None:
    """Write every man page, and take out those of commands that are gone."""
    FOLDER.mkdir(exist_ok=True)
    made = man_pages()
    for name, text in made.items():
        (FOLDER / name).write_text(text, "utf-8")
    for path in FOLDER.glob("*.1"):
        if path.name not in made:
            path.unlink()


def _page(command: Command) -> str:
    return f"privxray-{command.page}" if command.name else "privxray"


def _head(command: Command) -> Iterator[str]:
    page = _page(command)
    yield f'.TH {_roff(page.upper())} 1 "" "privxray {__version__}" "privxray"'
    yield ".SH NAME"
    summary = (
        "train a chest X-ray classifier together by carrying files" if not command.name else command.summary
    )
    yield rf"{_roff(page)} \- {_roff(summary[0].lower() + summary[1:])}"
    yield ".SH SYNOPSIS"
    bold = " ".join(("privxray", command.name)).strip()
    yield rf"\fB{_roff(bold)}\fR{_roff(command.usage.removeprefix(bold))}"
    yield ".SH DESCRIPTION"
    for place, paragraph in enumerate(command.text):
        yield from (".PP",) if place else ()
        yield _roff(paragraph)


def _lines(command: Command) -> Iterator[str]:
    yield from _head(command)
    if command.who:
        asks = f" It asks for: {command.asks}." if command.asks else ""
        yield from (".PP", _roff(f"Who types it: {command.who.replace('`', '')}.{asks}".replace("`", "")))
    yield from _list("COMMANDS", command.inner)
    yield from _list("ARGUMENTS", command.arguments)
    yield from _list("OPTIONS", command.options)
    if command.example:
        yield from (".SH EXAMPLE", ".nf", _roff(command.example), ".fi")
    yield ".SH EXIT STATUS"
    yield "See"
    yield ".BR privxray (1)."
    yield ".SH SEE ALSO"
    inner = [f"privxray-{command.page}-{one.typed}" for one in command.inner]
    group, _, last = command.name.rpartition(" ")
    above = [f"privxray-{group}"] if group and last else []
    yield from _others(["privxray", *above, *inner])


def _whole(command: Command, known: list[Command]) -> Iterator[str]:
    yield from _head(command)
    yield from (
        ".PP",
        _roff("Files are carried between the parties by hand or by a file gateway. Each command"),
    )
    yield "ends with a line that says what to do next."
    yield from _list("COMMANDS", command.inner)
    yield from _list("OPTIONS", command.options)
    codes = [
        Entry(str(code), f"{meaning[0].upper()}{meaning[1:]}.") for code, meaning in exit_codes().items()
    ]
    yield from _list("EXIT STATUS", tuple(codes))
    yield from _list("ENVIRONMENT", _VARIABLES)
    yield ".SH SEE ALSO"
    yield from _others([_page(one) for one in known if one.name])


_VARIABLES = (
    Entry("PRIVXRAY_PASSPHRASE_FILE", "A private file whose first line is the passphrase."),
    Entry("PRIVXRAY_TRUSTED_FOLDERS", "Workspaces that are opened though others may write above them."),
    Entry("NO_COLOR", "Without colours."),
    Entry("TMPDIR", "Where a check keeps what it found, encrypted, until it ends."),
)


def _list(title: str, entries: tuple[Entry, ...]) -> Iterator[str]:
    if entries:
        yield f".SH {title}"
    for one in entries:
        yield ".TP"
        yield rf"\fB{_roff(one.typed)}\fR"
        yield _roff(one.what.replace("`", ""))


def _others(pages: list[str]) -> Iterator[str]:
    for place, page in enumerate(pages):
        yield f".BR {_roff(page)} (1){',' if place + 1 < len(pages) else ''}"


def _roff(text: str) -> str:
    """Text that roff prints as it is."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    return rf"\&{escaped}" if escaped.startswith(".") else escaped


if __name__ == "__main__":
    main()
