"""Profiles as JSON: for worker processes, and to remember in the workspace which one was chosen."""

from __future__ import annotations

from typing import Any

from privxray.deid.profile.profile import Action, Override, Profile, ProfileOption, PseudonymForm


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
    )
