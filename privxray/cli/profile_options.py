"""The options by which a command takes a de-identification profile, in one place for all that do."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Final, get_type_hints

import typer

if TYPE_CHECKING:
    from privxray.deid.profile.profile import Profile

_PANEL: Final = "De-identification profile (DICOM PS3.15 Annex E)"
_KEYWORD: Final = inspect.Parameter.KEYWORD_ONLY

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


def takes_profile(*, writes: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Put ``--profile`` and the options where a command has its parameter ``profile``, a :class:`Typed`.

    :param writes: the command writes files by the profile, instead of judging them by it.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def called(**arguments: Any) -> None:
            name = arguments.pop("profile")
            typed = frozenset(key for key in keys if arguments.pop(key))
            command(profile=Typed(name, typed), **arguments)

        options = list(_parameters(writes))
        keys = [option.name for option in options[1:]]
        hints = get_type_hints(command, include_extras=True)
        parameters: list[inspect.Parameter] = []
        for name, own in inspect.signature(command).parameters.items():
            if name == "profile":
                parameters.extend(options)
            else:
                parameters.append(own.replace(annotation=hints[name], kind=_KEYWORD))
        # typer reads both
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return called

    return decorate


def _parameters(writes: bool) -> Iterator[inspect.Parameter]:
    name = typer.Option(
        "--profile",
        help="basic, research, or a YAML file (docs/RULES.md).",
        rich_help_panel=_PANEL,
        metavar="NAME|FILE",
        show_default=False,
    )
    kind: Any = Annotated[str | None, name]
    yield inspect.Parameter("profile", _KEYWORD, annotation=kind, default=None)
    for option, judged, written in _OPTIONS:
        text = written if writes else judged
        if text is not None:
            kind = Annotated[bool, typer.Option(f"--{option}", help=text, rich_help_panel=_PANEL)]
            yield inspect.Parameter(option.replace("-", "_"), _KEYWORD, annotation=kind, default=False)
