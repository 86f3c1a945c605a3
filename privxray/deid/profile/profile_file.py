"""Profile files: a site's own options, overrides and forms of pseudonyms, in YAML.

An example::

    name: our-site
    base: basic                        # a packaged profile or another file
    options: [retain_uids]
    overrides:
      - attribute: StationName         # keyword, (0008,1010), (60xx,3000) or (0019,GEMS_ACQU_01,23)
        action: K
    pseudonyms:                        # forms of replaced values; a whole value must match
      - attributes: [PatientID]
        pattern: SITE[0-9]{4}
    new_uids: [uuid8, '1.2.276.0.7230010.3.']   # uuid8, or the root below which new UIDs are made
    replacements:                      # fixed values; the first whose expression fits the original counts
      - attribute: BodyPartExamined
        match: '(?i).*(thorax|lung).*'
        value: CHEST
    black:                             # left, top, width, height, in every picture of these devices
      - manufacturer: acme.*
        rows: 768
        columns: 1024
        regions: [[0, 0, 1024, 60]]

A profile file is the user's own, but it is read like any other file: capped in size, by a safe loader, with
every field checked. An error names the field, and quotes no more than the name of an option or an attribute.
"""

from __future__ import annotations

import re
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

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
from privxray.deid.profile.site_rules import DeviceRegions, Replacement, SiteRules
from privxray.deid.tags import PATIENT_ID, PATIENT_NAME, from_label, label
from privxray.errors import MalformedError, UsageError, about
from privxray.system.regular_files import open_regular

MAX_PROFILE: Final = 1 << 20
"""Most bytes of a profile file."""

MAX_BASES: Final = 8
"""Most profiles of a chain in which each builds on the next."""

_COMPARE: Final = "Compare it with docs/RULES.md."
_MAX_QUOTED: Final = 64
_REPLACED: Final = frozenset(
    ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT")
)
"""Value representations that may have a fixed value."""


def load_profile(name_or_path: str | Path = "basic") -> Profile:
    """A packaged profile by its name, or one from a YAML file.

    :raises UsageError: there is no such profile, or it takes two options that exclude each other.
    :raises MalformedError: the file is not a profile; the error names the field.
    """
    return _load(str(name_or_path), Path(), MAX_BASES)


def packaged() -> tuple[str, ...]:
    """Names of the profiles that come with privxray, sorted."""
    folder = resources.files("privxray.deid.profile").joinpath("packaged")
    return tuple(
        sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    )


_Place = Annotated[int, Field(ge=0, le=65535)]
_Length = Annotated[int, Field(ge=1, le=65535)]
_Region = Annotated[tuple[_Place, _Place, _Length, _Length], Field(strict=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _PseudonymIn(_Strict):
    attributes: list[str] = Field(min_length=1)
    pattern: str = Field(min_length=1, max_length=500)


class _OverrideIn(_Strict):
    attribute: str
    action: str
    reason: str = ""


class _ReplacementIn(_Strict):
    attribute: str
    value: str = Field(max_length=64, pattern=r"^[ -\[\]-~]*$")
    match: str = Field(default="", max_length=500)


class _RegionsIn(_Strict):
    regions: list[_Region] = Field(min_length=1, max_length=64)
    manufacturer: str = Field(default="", max_length=500)
    model: str = Field(default="", max_length=500)
    rows: _Length | None = None
    columns: _Length | None = None


class _ProfileIn(_Strict):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    base: str = ""
    description: str = Field(default="", max_length=500)
    options: list[str] = []
    overrides: list[_OverrideIn] = []
    pseudonyms: list[_PseudonymIn] = []
    new_uids: list[str] = []
    replacements: list[_ReplacementIn] = []
    black: list[_RegionsIn] = []


def _load(name: str, folder: Path, bases_left: int) -> Profile:
    """A profile with what it builds on.

    :param folder: where a file of that name is looked for.
    :param bases_left: how many profiles may still follow in the chain.
    """
    shown = name if name in packaged() else Path(name).name
    with about(shown):  # a base's error names the base, for it is named first
        if bases_left == 0:
            raise MalformedError(
                f"more than {MAX_BASES} profiles build on each other",
                reason="profile.bases",
                advice="Check `base` in each of them: none may lead back to itself.",
            )
        read = _read(_text_of(name, folder))
        base = _load(read.base, (folder / name).parent, bases_left - 1) if read.base else Profile()
        return Profile(
            name=read.name,
            options=base.options | {_option(text) for text in read.options},
            pseudonyms=base.pseudonyms + tuple(map(_pseudonym, read.pseudonyms)),
            new_uids=base.new_uids + tuple(map(_uid_form, read.new_uids)),
            overrides=base.overrides + tuple(map(_override, read.overrides)),
            description=read.description,
            site=_site(read) + base.site,
        )


def _text_of(name: str, folder: Path) -> str:
    if name in packaged():
        source = resources.files("privxray.deid.profile").joinpath("packaged", f"{name}.yaml")
        return source.read_text(encoding="utf-8")
    path = folder / name
    if not path.is_file():
        raise UsageError(
            "there is no profile of that name, and no such file",
            reason="profile.unknown",
            advice=f"Packaged profiles: {', '.join(packaged())}.",
        )
    try:
        with open_regular(path) as stream:
            data = stream.read(MAX_PROFILE + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise MalformedError(
            "it can't be read as text",
            reason="profile.unreadable",
            advice="A profile is a YAML file in UTF-8.",
        ) from None
    if len(data) > MAX_PROFILE:
        raise MalformedError("it is larger than 1 MiB", reason="profile.too-large", advice=_COMPARE)
    return text


def _read(text: str) -> _ProfileIn:
    try:
        return _ProfileIn.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError):
        raise MalformedError("it is not YAML", reason="profile.not-yaml", advice=_COMPARE) from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        at = ".".join(map(str, first["loc"]))
        if not at:
            raise MalformedError(
                "this is not a profile: it has no `key: value` lines",
                reason="profile.no-fields",
                advice=_COMPARE,
            ) from None
        says = f"{first['msg'][:1].lower()}{first['msg'][1:]}"
        raise MalformedError(
            f"the profile's {at}: {says}", reason="profile.wrong-field", advice=_COMPARE
        ) from None


def _option(text: str) -> ProfileOption:
    try:
        return ProfileOption(text.replace("-", "_").removeprefix("__"))
    except ValueError:
        raise MalformedError(
            f"there is no option {_quoted(text)}",
            reason="profile.unknown-option",
            advice="docs/RULES.md lists the options.",
        ) from None


def _pseudonym(read: _PseudonymIn) -> PseudonymForm:
    try:
        re.compile(read.pattern)
    except re.error:
        raise MalformedError(
            "a pseudonym's pattern is not a regular expression", reason="profile.pattern", advice=_COMPARE
        ) from None
    keys = list(map(_key, read.attributes))
    tags = frozenset(key for key in keys if isinstance(key, int))
    if not all(isinstance(key, int) for key in keys):
        raise MalformedError(
            "pseudonyms are for single attributes of the standard, not for private ones or a range",
            reason="profile.pseudonym-attribute",
            advice="Name each attribute by its keyword or its tag.",
        )
    return PseudonymForm(tags, read.pattern)


def _site(read: _ProfileIn) -> SiteRules:
    replacements = (
        Replacement(_replaced_tag(one.attribute), one.value, _expression(one.match))
        for one in read.replacements
    )
    black = (
        DeviceRegions(
            tuple(one.regions), _expression(one.manufacturer), _expression(one.model), one.rows, one.columns
        )
        for one in read.black
    )
    return SiteRules(tuple(replacements), tuple(black))


def _replaced_tag(text: str) -> int:
    """The attribute of a replacement.

    :raises MalformedError: it holds no text, or is the patient's name or id, which get the pseudonym.
    """
    from pydicom.datadict import dictionary_VR

    tag = _key(text)
    if isinstance(tag, int) and tag not in (PATIENT_NAME, PATIENT_ID):
        with suppress(KeyError):  # of an attribute that pydicom's dictionary is too old for
            if dictionary_VR(tag) in _REPLACED:
                return tag
    raise MalformedError(
        f"{_quoted(text)} can't have a fixed value",
        reason="profile.replacement-attribute",
        advice="Name an attribute of the standard that holds text; the patient's name and id get a pseudonym",
    )


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error:
        raise MalformedError(
            "one of the expressions of replacements or black is not a regular expression",
            reason="profile.expression",
            advice=_COMPARE,
        ) from None
    return text


def _uid_form(text: str) -> str:
    if text != "uuid8" and not re.fullmatch(r"[0-2](\.(0|[1-9][0-9]*)){2,}\.", text):
        raise MalformedError(
            "new_uids holds something other than uuid8 or a UID's root",
            reason="profile.uid-form",
            advice="A root has at least three parts and ends with a dot, such as 1.2.276.",
        )
    return text


def _override(read: _OverrideIn) -> Override:
    if not re.fullmatch(r"[XZDKCU](/[XZDKCU])*\*?", read.action):
        raise MalformedError(
            "an override's action is not in Table E.1-1",
            reason="profile.unknown-action",
            advice=f"It is one of {', '.join(Action)}, or alternatives such as X/Z.",
        )
    return Override(_key(read.attribute), alternatives(read.action))


def _key(text: str) -> int | str | tuple[int, str, int]:
    """What :attr:`Override.key` holds, from a keyword or one of the forms in the module's text."""
    masks = {row.tag for row in rows() if "x" in row.tag}
    if text in masks:
        return text
    matched = re.fullmatch(r"\(([0-9A-Fa-f]{4}),(?:([^,]{1,64}),)?([0-9A-Fa-f]{2}|[0-9A-Fa-f]{4})\)", text)
    if matched and matched[2] is not None and len(matched[3]) == 2:
        return int(matched[1], 16), matched[2].strip(), int(matched[3], 16)
    if matched and matched[2] is None and len(matched[3]) == 4:
        return from_label(text)
    from pydicom.datadict import tag_for_keyword

    tag: int | None = tag_for_keyword(text)
    if tag is None:
        tag = _keywords().get(text)
    if tag is None:
        raise MalformedError(
            f"{_quoted(text)} is not a DICOM attribute",
            reason="profile.unknown-attribute",
            advice=f"Name it by its keyword, such as PatientName, or its tag, such as {label(PATIENT_NAME)}.",
        )
    return int(tag)


def _keywords() -> dict[str, int]:
    """Attributes of the table that pydicom's dictionary is too old for, by their names without spaces."""
    found = {}
    for row in rows():
        if "x" not in row.tag and "g" not in row.tag:
            found[re.sub(r"[^A-Za-z0-9]", "", row.name)] = from_label(row.tag)
    return found


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _MAX_QUOTED else f"{text[:_MAX_QUOTED]}...")
