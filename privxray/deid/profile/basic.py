"""The profile that holds where the user names none. Tested in tests/unit/test_deid_check.py."""

from __future__ import annotations

from functools import cache

from privxray.deid.profile.profile import Profile


@cache
def basic_profile() -> Profile:
    """The packaged profile ``basic``: the Basic Profile of PS3.15 E.1 without options."""
    # YAML and pydantic take a quarter of a second to import, and worker processes never need them.
    from privxray.deid.profile.profile_file import load_profile

    return load_profile("basic")
