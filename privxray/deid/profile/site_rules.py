"""What a site decides by itself in its profile: fixed values of attributes, and regions of a device's pixels.

Both have the form in which sites know such rules from other tools, such as the scripts of RSNA's Clinical
Trial Processor (CTP): a value by attribute, a condition on manufacturer, model and size with rectangles.

A replacement's value is fixed text, chosen by a regular expression over the original. No part of an original
is copied into it, so no expression can let a name through, and the check knows every value that may result.

Tested in tests/unit/test_deid_site_rules.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_LONGEST = 1024
"""Characters of an original that an expression is tried on; none of a longer one matches."""


@dataclass(frozen=True)
class Replacement:
    """A fixed value for an attribute, wherever it stands in a file.

    :param tag: of the attribute. :param value: what stands in the copy.
    :param match: a regular expression that the whole original has to match; empty for any original.
    """

    tag: int
    value: str
    match: str = ""

    def fits(self, original: str) -> bool:
        """Whether it is meant for this original."""
        if not self.match:
            return True
        return len(original) <= _LONGEST and _compiled(self.match).fullmatch(original) is not None


@dataclass(frozen=True)
class Device:
    """What made a picture, and how large it is."""

    manufacturer: str
    model: str
    rows: int
    columns: int


@dataclass(frozen=True)
class DeviceRegions:
    """Rectangles that are black in every picture of a device.

    :param regions: each left, top, width and height in pixels.
    :param manufacturer: a regular expression that the whole attribute has to match, in any case; empty for
        any.
    :param model: likewise Manufacturer's Model Name. :param rows: None for any. :param columns: likewise.
    """

    regions: tuple[tuple[int, int, int, int], ...]
    manufacturer: str = ""
    model: str = ""
    rows: int | None = None
    columns: int | None = None

    def fits(self, device: Device) -> bool:
        """Whether a picture is of this device and size."""
        for pattern, text in ((self.manufacturer, device.manufacturer), (self.model, device.model)):
            if pattern and (len(text) > _LONGEST or not _compiled(f"(?i:{pattern})").fullmatch(text)):
                return False
        return self.rows in (None, device.rows) and self.columns in (None, device.columns)


@dataclass(frozen=True)
class SiteRules:
    """All of a profile's. Empty in a profile that has none."""

    replacements: tuple[Replacement, ...] = ()
    black: tuple[DeviceRegions, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.replacements or self.black)

    def __add__(self, other: SiteRules) -> SiteRules:
        """These, and after them those of another profile."""
        return SiteRules(self.replacements + other.replacements, self.black + other.black)

    def value_for(self, tag: int, original: str) -> str | None:
        """What stands in the copy for an original; None where the profile's action is carried out.

        Of several replacements that fit, the first counts.
        """
        return next((one.value for one in self.replacements if one.tag == tag and one.fits(original)), None)

    def allows(self, tag: int, value: str) -> bool:
        """Whether a value in a copy is one that these rules give the attribute."""
        return any(one.tag == tag and one.value == value for one in self.replacements)

    def regions(self, device: Device) -> set[tuple[int, int, int, int]]:
        """What is to be black in a picture: left, top, width and height."""
        return {region for rule in self.black if rule.fits(device) for region in rule.regions}

    @property
    def summary(self) -> list[str]:
        """For people: how many of each kind there are."""
        counts = ((len(self.replacements), "fixed value"), (len(self.black), "black region rule"))
        return [f"{count} {noun}{'s' if count > 1 else ''}" for count, noun in counts if count]


NO_RULES = SiteRules()


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
