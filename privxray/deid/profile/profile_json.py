"""Profiles as JSON: for worker processes, and to remember the one that was chosen."""

from __future__ import annotations

from typing import Any

from privxray.deid.profile.profile import Code as Action
from privxray.deid.profile.profile import Option, Override, Profile, Pseudonym


def profile_to(profile: Profile) -> dict[str, Any]:
    """A profile as JSON, for a worker."""
    return {
        "name": profile.name,
        "options": sorted(profile.options),
        "pseudonyms": [[sorted(p.tags), p.pattern] for p in profile.pseudonyms],
        "new_uids": list(profile.new_uids),
        "overrides": [
            [list(o.key) if isinstance(o.key, tuple) else o.key, list(o.codes)] for o in profile.overrides
        ],
    }


def profile_from(value: dict[str, Any]) -> Profile:
    """The inverse of :func:`profile_to`."""
    return Profile(
        name=value["name"],
        options=frozenset(map(Option, value["options"])),
        pseudonyms=tuple(Pseudonym(frozenset(tags), pattern) for tags, pattern in value["pseudonyms"]),
        new_uids=tuple(value["new_uids"]),
        overrides=tuple(
            Override(tuple(key) if isinstance(key, list) else key, tuple(map(Action, codes)))
            for key, codes in value["overrides"]
        ),
    )
