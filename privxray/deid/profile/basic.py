"""The profile that is meant where none is named."""

from __future__ import annotations

from functools import cache

from privxray.deid.profile.profile import Profile


@cache
def basic_profile() -> Profile:
    """The packaged profile ``basic``: the Basic Profile of PS3.15 E.1 without options."""
    # YAML and pydantic take a quarter of a second to import, and workers never need them.
    from privxray.deid.profile.profile_file import load_profile

    return load_profile("basic")
