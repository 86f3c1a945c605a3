"""Profile files: a site's own options, overrides and forms of pseudonyms, in YAML.

The file::

    name: our-site
    base: basic                        # a packaged profile or another file
    options: [retain_uids]
    overrides:
      - attribute: StationName         # keyword, (0008,1010), (60xx,3000) or (0019,GEMS_ACQU_01,23)
        action: K
    pseudonyms:                        # forms that a replaced value has; a whole value must match
      - attributes: [PatientID]
        pattern: SITE[0-9]{4}
    new_uids: [uuid8, '1.2.276.0.7230010.3.']   # uuid8, or the root below which new UIDs are made

A profile file is the user's own, yet it is read like any other: capped, by a safe loader, every field
checked, and an error names the field and not what is in it.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from privxray.deid.profile.annex_e import rows
from privxray.deid.profile.profile import (
    Action,
    Override,
    Profile,
    ProfileOption,
    PseudonymForm,
    alternatives,
)
from privxray.deid.tags import PATIENT_NAME, from_label, label
from privxray.errors import MalformedError, UsageError

MAX_PROFILE: Final = 1 << 20
"""Most bytes of a profile file."""

MAX_BASES: Final = 8
"""Longest chain of profiles that build on each other."""


def load_profile(name_or_path: str | Path = "basic") -> Profile:
    """A packaged profile by its name, or one from a YAML file.

    :raises UsageError: there is no such profile, or it takes two options that exclude each other.
    :raises MalformedError: the file is not a profile; the reason names the field.
    """
    return _load(str(name_or_path), Path(), MAX_BASES)


def packaged() -> tuple[str, ...]:
    """Names of the profiles that come with the tool."""
    folder = resources.files("privxray.deid.profile").joinpath("packaged")
    return tuple(
        sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    )


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _PseudonymIn(_Strict):
    attributes: list[str] = Field(min_length=1)
    pattern: str = Field(min_length=1, max_length=500)


class _OverrideIn(_Strict):
    attribute: str
    action: str
    reason: str = ""


class _ProfileIn(_Strict):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    base: str = ""
    description: str = Field(default="", max_length=500)
    options: list[str] = []
    overrides: list[_OverrideIn] = []
    pseudonyms: list[_PseudonymIn] = []
    new_uids: list[str] = []


def _load(name: str, folder: Path, bases_left: int) -> Profile:
    if name in packaged():
        shown = name
        text = (
            resources.files("privxray.deid.profile")
            .joinpath("packaged", f"{name}.yaml")
            .read_text(encoding="utf-8")
        )
    else:
        shown, path = Path(name).name, folder / name
        if not path.is_file():
            raise UsageError(
                "there is no profile of that name, and no such file",
                file=shown,
                advice=f"Packaged profiles: {', '.join(packaged())}.",
            )
        folder = path.parent
        text = _text_of(path, shown)
    if bases_left == 0:
        raise MalformedError("the profiles build on each other without end", file=shown)
    try:
        read = _ProfileIn.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError):
        raise MalformedError("it is not YAML", file=shown, advice="Compare it with docs/RULES.md.") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        at = ".".join(map(str, first["loc"]))
        says = f"{first['msg'][:1].lower()}{first['msg'][1:]}"
        raise MalformedError(
            f"the profile's {at}: {says}" if at else "this is no profile: it has no `key: value` lines",
            file=shown,
            advice="Compare it with docs/RULES.md.",
        ) from None
    base = _load(read.base, folder, bases_left - 1) if read.base else Profile()
    try:
        return Profile(
            name=read.name,
            options=base.options | {_option(text) for text in read.options},
            pseudonyms=base.pseudonyms + tuple(map(_pseudonym, read.pseudonyms)),
            new_uids=base.new_uids + tuple(map(_uid_form, read.new_uids)),
            overrides=base.overrides + tuple(map(_override, read.overrides)),
            description=read.description,
        )
    except ValueError as error:
        raise MalformedError(str(error), file=shown, advice="Compare it with docs/RULES.md.") from None


def _text_of(path: Path, shown: str) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_PROFILE + 1)
        if len(data) > MAX_PROFILE:
            raise MalformedError("it is larger than 1 MiB", file=shown)
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise MalformedError("it can't be read as text", file=shown) from None


def _option(text: str) -> ProfileOption:
    try:
        return ProfileOption(text.replace("-", "_").removeprefix("__"))
    except ValueError:
        raise ValueError(f"there is no option {text!r}; docs/RULES.md lists them") from None


def _pseudonym(read: _PseudonymIn) -> PseudonymForm:
    try:
        re.compile(read.pattern)
    except re.error:
        raise ValueError("a pseudonym's pattern is not a regular expression") from None
    tags = frozenset(key for text in read.attributes if isinstance(key := _key(text), int))
    if len(tags) != len(set(read.attributes)):
        raise ValueError("pseudonyms are for single attributes of the standard")
    return PseudonymForm(tags, read.pattern)


def _uid_form(text: str) -> str:
    if text != "uuid8" and not re.fullmatch(r"[0-2](\.(0|[1-9][0-9]*)){2,}\.", text):
        raise ValueError("new_uids holds uuid8, or roots of at least three parts that end with a dot")
    return text


def _override(read: _OverrideIn) -> Override:
    actions = alternatives(read.action) if re.fullmatch(r"[XZDKCU](/[XZDKCU])*\*?", read.action) else ()
    if not actions:
        raise ValueError(f"an override's action is one of {', '.join(Action)}, or alternatives such as X/Z")
    return Override(_key(read.attribute), actions)


def _key(text: str) -> int | str | tuple[int, str, int]:
    """A tag from a keyword or from the forms that the module's text names."""
    masks = {row.tag for row in rows() if "x" in row.tag}
    if text in masks:
        return text
    matched = re.fullmatch(r"\(([0-9A-Fa-f]{4}),(?:([^,]{1,64}),)?([0-9A-Fa-f]{2}|[0-9A-Fa-f]{4})\)", text)
    if matched and matched[2] is not None and len(matched[3]) == 2:
        return int(matched[1], 16), matched[2].strip(), int(matched[3], 16)
    if matched and matched[2] is None and len(matched[3]) == 4:
        return int(matched[1] + matched[3], 16)
    from pydicom.datadict import tag_for_keyword

    tag: Any = tag_for_keyword(text)
    if tag is None:
        tag = _keywords().get(text)
    if tag is None:
        raise ValueError(f"{text!r} is neither a keyword nor a tag such as {label(PATIENT_NAME)}")
    return int(tag)


def _keywords() -> dict[str, int]:
    """Attributes of the table that the installed dictionary is too old for, by their names without spaces."""
    found = {}
    for row in rows():
        if "x" not in row.tag and "g" not in row.tag:
            found[re.sub(r"[^A-Za-z0-9]", "", row.name)] = from_label(row.tag)
    return found
