"""The options by which a command takes a de-identification profile, in one place for all that do."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from privxray.cli.option_group import KEYWORD, Command, with_options

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
        "Dates are shifted, by one offset a patient.",
        "Keep dates, moved by one secret number of days a patient.",
    ),
    (
        "clean-descriptors",
        "Descriptions and comments may stay where they were cleaned.",
        "Keep descriptions made of known terms only.",
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
    ("clean-pixel-data", "Burned-in text was to be removed.", None),
    ("clean-recognizable-visual-features", "Recognisable features were to be removed.", None),
)
"""An option of PS3.15, what it means to who judges files, and to who writes them (None: not offered)."""


@dataclass(frozen=True)
class Typed:
    """What was typed of a profile: a name or file, and options in PS3.15's terms (``retain_uids``)."""

    name: str | None
    options: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.name or self.options)

    def load(self) -> Profile:
        """The profile of that name, else the Basic Profile, with the options.

        :raises UsageError: no such profile, or options that exclude each other.
        :raises MalformedError: the file is not a profile.
        """
        from privxray.deid.profile.profile import ProfileOption
        from privxray.deid.profile.profile_file import load_profile

        return load_profile(self.name or "basic").with_options({ProfileOption(key) for key in self.options})


def takes_profile(*, writes: bool = False) -> Callable[[Command], Command]:
    """Put ``--profile`` and the options where a command has its parameter ``profile``, a :class:`Typed`.

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
