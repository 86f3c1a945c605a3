"""The values that identify a file's patient, to be looked for where nothing of them belongs.

The profile removes the attributes whose meaning is identifying, and trusts all others. But people type a name
into a field for something else, and devices copy record numbers into their own. So what stands in the
identifying attributes of a file (and of its whole set, where the caller has read it) is searched for in
everything else that is to be kept, and whatever holds one is not kept.

Values never leave memory: this module answers only yes or no.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from privxray.deid import tags
from privxray.deid.cleaning.shift_dates import is_valid
from privxray.deid.dicomfile.character_sets import decoded
from privxray.deid.dicomfile.data_set_tree import Node, Tree, all_trees
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.scan import IdentifyingValue
from privxray.deid.profile.identifying import IDENTIFIERS, INSTITUTIONS
from privxray.deid.profile.profile import Action, Profile
from privxray.naming.common_words import neutral_words

MIN_NAME = 3
"""Shortest part of a name that is searched for; shorter ones are found in every text."""

MIN_NUMBER = 4
"""Shortest record number that is searched for."""

MIN_IN_BYTES = 6
"""Shortest value that is looked for in bytes: three letters are found by chance in every image."""

# The check counts the ethnic group among the identifiers, but many patients share the word for it.
_IDENTIFYING = (IDENTIFIERS | INSTITUTIONS | {tags.PATIENT_ID, tags.PATIENT_BIRTH_DATE}) - {tags.ETHNIC_GROUP}
_INSTANCES = frozenset({tags.SOP_INSTANCE_UID, tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID})
_COMPONENT = re.compile(rb"[\\^=, \0]+")
_WHOLE = re.compile(rb"[\\\0]+")


class OwnValues:
    """The identifying values of one file or set.

    :param values: bytes as the file stores them, of any character set.
    :param terms: what the check would look for in the rest of the set (:mod:`privxray.deid.judging.leaks`).
    :param codec: of the file that is searched.
    """

    def __init__(
        self, values: Iterable[bytes], terms: Iterable[IdentifyingValue] = (), codec: str = "ascii"
    ) -> None:
        self.values = frozenset(values)
        self._leaks = LeakSearch(terms)
        self._codec = codec
        parts = b"|".join(map(re.escape, sorted(self.values, key=lambda value: (-len(value), value))))
        # Whole words only: a patient called Ray is not found in X-ray..., nor 1234 in 512345.
        pattern = rb"(?<![A-Za-z0-9\x80-\xff])(?:" + parts + rb")(?![A-Za-z0-9\x80-\xff])"
        self._pattern = re.compile(pattern, re.IGNORECASE) if parts else None

    def are_in(self, value: bytes) -> bool:
        """Is one of them in this text, in capitals or not, with accents or without?"""
        if self._pattern is not None and self._pattern.search(value):
            return True
        return bool(self._leaks) and self._leaks.in_text(decoded(value, self._codec))

    def are_in_number(self, value: bytes) -> bool:
        """Is a record number the whole value, or one of its parts?"""
        return bool(self._leaks) and self._leaks.in_text(decoded(value, self._codec), joined=False)

    def are_in_bytes(self, value: bytes) -> bool:
        """Is one of them, of :data:`MIN_IN_BYTES` bytes or more, among these bytes of no known structure?"""
        if self._pattern is not None:
            found = self._pattern.finditer(value)
            if any(len(match[0]) >= MIN_IN_BYTES for match in found):
                return True
        return bool(self._leaks) and self._leaks.in_bytes(value, 0, len(value))


def own_values(tree: Tree, profile: Profile) -> frozenset[bytes]:
    """The identifying values of a data set, at any depth, but for those that the profile keeps."""
    found: set[bytes] = set()
    for part in all_trees(tree):
        for tag, node in part.nodes.items():
            if (node.vr != "PN" and tag not in _IDENTIFYING) or Action.K in profile.actions(tag):
                continue
            found.update(_names(node) if node.vr == "PN" else _numbers(node))
    return frozenset(found)


def own_uids(tree: Tree) -> frozenset[str]:
    """The UIDs of the instance, its series and its study."""
    return frozenset(filter(None, (tree.text(tag) for tag in _INSTANCES)))


def _names(node: Node) -> Iterator[bytes]:
    for part in (*_WHOLE.split(node.value), *_COMPONENT.split(node.value)):
        text = part.strip(b" .").lower()
        if len(text) >= MIN_NAME and text.decode("latin-1") not in neutral_words():
            yield text


def _numbers(node: Node) -> Iterator[bytes]:
    for part in _WHOLE.split(node.value):
        text = part.strip().lower()
        if node.vr == "DA":
            yield from _spellings(text.decode("latin-1"))
        elif len(text) >= MIN_NUMBER and text.decode("latin-1") not in neutral_words():
            yield text


def _spellings(day: str) -> Iterator[bytes]:
    """A date as people and programs write it."""
    if not is_valid("DA", day):
        return
    digits = day.replace(".", "")
    year, month, number = digits[:4], digits[4:6], digits[6:]
    yield digits.encode()
    for sign in "-./":
        for parts in ((year, month, number), (number, month, year), (month, number, year)):
            yield sign.join(parts).encode()
