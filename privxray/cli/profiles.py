"""The options by which a command takes a de-identification profile: ``check`` and ``ingest`` share them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

if TYPE_CHECKING:
    from privxray.deid.profile import Profile

_PANEL = "De-identification profile (DICOM PS3.15 Annex E)"


def _option(flag: str, text: str) -> Any:
    return typer.Option(flag, help=text, rich_help_panel=_PANEL)


ProfileName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="basic, research, or a YAML file (docs/RULES.md).",
        rich_help_panel=_PANEL,
        metavar="NAME|FILE",
        show_default=False,
    ),
]
RetainUids: TypeAlias = Annotated[bool, _option("--retain-uids", "UIDs may be the original ones.")]
RetainDevice: TypeAlias = Annotated[
    bool, _option("--retain-device-identity", "The device may be named, by serial number too.")
]
RetainInstitution: TypeAlias = Annotated[
    bool, _option("--retain-institution-identity", "The hospital may be named.")
]
RetainPatient: TypeAlias = Annotated[
    bool, _option("--retain-patient-characteristics", "Sex, age, size, weight and the like may stay.")
]
FullDates: TypeAlias = Annotated[
    bool, _option("--retain-longitudinal-full-dates", "Dates and times may be the original ones.")
]
ModifiedDates: TypeAlias = Annotated[
    bool, _option("--retain-longitudinal-modified-dates", "Dates are shifted, by one offset a patient.")
]
CleanDescriptors: TypeAlias = Annotated[
    bool, _option("--clean-descriptors", "Descriptions and comments may stay where they were cleaned.")
]
CleanContent: TypeAlias = Annotated[
    bool, _option("--clean-structured-content", "Structured reports may stay where they were cleaned.")
]
CleanGraphics: TypeAlias = Annotated[
    bool, _option("--clean-graphics", "Overlays and annotations may stay where they were cleaned.")
]
SafePrivate: TypeAlias = Annotated[
    bool, _option("--retain-safe-private", "Private attributes that are known to be safe may stay.")
]
CleanPixels: TypeAlias = Annotated[bool, _option("--clean-pixel-data", "Burned-in text was to be removed.")]
CleanFaces: TypeAlias = Annotated[
    bool, _option("--clean-recognizable-visual-features", "Recognisable features were to be removed.")
]


def chosen(name: str | None, **taken: bool) -> Profile:
    """The profile of that name, else the Basic Profile, with the options that were typed.

    :param taken: an option's value in PS3.15 terms, such as ``retain_uids``, and whether it was typed.
    :raises UsageError: no such profile, or options that exclude each other.
    :raises MalformedError: the file is not a profile.
    """
    from privxray.deid.profile import Option, Profile

    return Profile.load(name or "basic").with_options({Option(key) for key, typed in taken.items() if typed})
