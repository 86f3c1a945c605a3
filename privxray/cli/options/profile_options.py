"""``--profile`` and the options of DICOM PS3.15, in one place for all commands that take a profile.

Tested in tests/cli/test_ingest_profile.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from privxray.cli.options.option_group import KEYWORD, Command, with_options

if TYPE_CHECKING:
    from privxray.deid.profile.profile import Profile

_PANEL: Final = "De-identification profile (DICOM PS3.15 Annex E)"

_OPTIONS: Final[tuple[tuple[str, str, str | None], ...]] = (
    ("retain-uids", "UIDs may be the original ones.", "Keep UIDs."),
    (
        "retain-device-identity",
        "The device may be named, by serial number too.",
        "Keep names and numbers of devices.",
    ),
    ("retain-institution-identity", "The hospital may be named.", "Keep the institution's name."),
    (
        "retain-patient-characteristics",
        "Sex, age, size, weight and the like may stay.",
        "Keep sex, age, size, weight.",
    ),
    (
        "retain-longitudinal-full-dates",
        "Dates and times may be the original ones.",
        "Keep dates and times.",
    ),
    (
        "retain-longitudinal-modified-dates",
        "Dates are shifted, by one offset for each patient.",
        "Keep dates, moved by a secret number of days for each patient.",
    ),
    (
        "clean-descriptors",
        "Descriptions and comments may stay where they were cleaned.",
        "Keep descriptions that consist of known terms.",
    ),
    (
        "clean-structured-content",
        "Structured reports may stay where they were cleaned.",
        "Keep what is safe of structured reports.",
    ),
    (
        "clean-graphics",
        "Overlays and annotations may stay where they were cleaned.",
        "Keep drawn annotations, without their text.",
    ),
    (
        "retain-safe-private",
        "Private attributes that are known to be safe may stay.",
        "Keep private elements known to be safe.",
    ),
    ("clean-pixel-data", "Burned-in text must have been removed.", None),
    ("clean-recognizable-visual-features", "Recognisable features must have been removed.", None),
)
"""Each option of PS3.15, with its help where files are judged and where they are written (None: nowhere)."""


@dataclass(frozen=True)
class Typed:
    """What was typed of a profile.

    :ivar name: of a profile, or a file; None where it was not typed.
    :ivar options: in PS3.15's terms, such as ``retain_uids``.
    """

    name: str | None
    options: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.name or self.options)

    def load(self) -> Profile:
        """The profile of that name, or the Basic Profile, with the options.

        :raises UsageError: there is no such profile, or two options exclude each other.
        :raises MalformedError: the file is not a profile.
        """
        from privxray.deid.profile.profile import ProfileOption
        from privxray.deid.profile.profile_file import load_profile

        return load_profile(self.name or "basic").with_options({ProfileOption(key) for key in self.options})


def takes_profile(*, writes: bool = False) -> Callable[[Command], Command]:
    """Decorates a command: ``--profile`` and the options take the place of its parameter ``profile``.

    The command gets them as one :class:`Typed`.

    :param writes: the command writes files by the profile, instead of judging them by it.
    """
    options = list(_parameters(writes))

    def made(values: Mapping[str, Any]) -> Typed:
        keys = frozenset(option.name for option in options[1:] if values[option.name])
        return Typed(values["profile"], keys)

    return lambda command: with_options(command, "profile", options, made)


def _parameters(writes: bool) -> Iterator[inspect.Parameter]:
    name = typer.Option(
        "--profile",
        help="basic, research, or a YAML file (docs/RULES.md).",
        rich_help_panel=_PANEL,
        metavar="NAME|FILE",
        show_default=False,
    )
    kind: Any = Annotated[str | None, name]
    yield inspect.Parameter("profile", KEYWORD, annotation=kind, default=None)
    for option, judged, written in _OPTIONS:
        text = written if writes else judged
        if text is not None:
            kind = Annotated[bool, typer.Option(f"--{option}", help=text, rich_help_panel=_PANEL)]
            yield inspect.Parameter(option.replace("-", "_"), KEYWORD, annotation=kind, default=False)
