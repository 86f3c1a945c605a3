"""Profiles as JSON: for worker processes, and to remember in the workspace which one was chosen."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from privxray.deid.profile.profile import Action, Override, Profile, ProfileOption, PseudonymForm
from privxray.deid.profile.site_rules import DeviceRegions, Replacement, SiteRules


def profile_to_json(profile: Profile) -> dict[str, Any]:
    """A profile as JSON, without its description."""
    return {
        "name": profile.name,
        "options": sorted(profile.options),
        "pseudonyms": [[sorted(p.tags), p.pattern] for p in profile.pseudonyms],
        "new_uids": list(profile.new_uids),
        "overrides": [
            [list(o.key) if isinstance(o.key, tuple) else o.key, list(o.actions)] for o in profile.overrides
        ],
        **({"drop_unknown_text": True} if profile.drop_unknown_text else {}),
        **({"site": asdict(profile.site)} if profile.site else {}),
    }


def profile_from_json(value: dict[str, Any]) -> Profile:
    """The inverse of :func:`profile_to_json`."""
    return Profile(
        name=value["name"],
        options=frozenset(map(ProfileOption, value["options"])),
        pseudonyms=tuple(PseudonymForm(frozenset(tags), pattern) for tags, pattern in value["pseudonyms"]),
        new_uids=tuple(value["new_uids"]),
        overrides=tuple(
            Override(tuple(key) if isinstance(key, list) else key, tuple(map(Action, actions)))
            for key, actions in value["overrides"]
        ),
        drop_unknown_text=value.get("drop_unknown_text", False),
        site=_site(value.get("site", {})),
    )


def _site(value: dict[str, Any]) -> SiteRules:
    black = (
        DeviceRegions(**(one | {"regions": tuple(map(tuple, one["regions"]))}))
        for one in value.get("black", ())
    )
    return SiteRules(tuple(Replacement(**one) for one in value.get("replacements", ())), tuple(black))
