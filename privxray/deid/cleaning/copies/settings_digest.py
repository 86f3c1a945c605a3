"""A digest of everything besides its source that decides how a copy looks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from privxray.deid.profile.profile import Profile

FORMAT = 2
"""Must change whenever the same source would give another copy."""


def settings_digest(profile: Profile, ocr: bool) -> str:
    """The digest by which a folder of copies is recognised, in hex.

    What is hashed spells types as the first version called them, whatever they are called now, so that a run
    which an earlier version began goes on.

    :param ocr: text in the pixels is blacked.
    """
    options = ", ".join(f"<Option.{option.name}: {option.value!r}>" for option in sorted(profile.options))
    overrides = [
        f"Override(key={entry.key!r}, codes={_tuple(f'<Code.{c.name}: {c.value!r}>' for c in entry.actions)})"
        for entry in profile.overrides
    ]
    forms = [f"Pseudonym(tags={form.tags!r}, pattern={form.pattern!r})" for form in profile.pseudonyms]
    parts = (
        repr(FORMAT),
        f"[{options}]",
        _tuple(overrides),
        _tuple(forms),
        repr(profile.new_uids),
        repr(ocr),
        *(["drop_unknown_text"] if profile.drop_unknown_text else []),
        *([repr(profile.site)] if profile.site else []),
    )
    return hashlib.sha256(_tuple(parts).encode()).hexdigest()


def _tuple(parts: Iterable[str]) -> str:
    """Parts as ``repr`` writes a tuple of them."""
    listed = list(parts)
    return f"({', '.join(listed)}{',' if len(listed) == 1 else ''})"
