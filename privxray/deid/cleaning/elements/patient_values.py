"""The values in a file that identify its patient, to be looked for where they don't belong.

The profile removes the attributes whose meaning is identifying, and trusts all others. But people type a name
into a field that is for something else, and devices copy record numbers into fields of their own. So
:mod:`privxray.deid.cleaning.elements.value_search` looks for these values in everything that is to be kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from privxray.deid import tags
from privxray.deid.cleaning.elements.shift_dates import is_temporal
from privxray.deid.dicomfile.data_set_tree import Node, Tree, all_trees
from privxray.deid.judging.scan import IdentifyingValue
from privxray.deid.profile.identifying import IDENTIFIERS, INSTITUTIONS
from privxray.deid.profile.profile import Action, Profile
from privxray.naming.common_words import neutral_words

MIN_NAME = 3
"""Shortest part of a name that is searched for; shorter ones are found in every text."""

MIN_NUMBER = 4
"""Shortest record number that is searched for."""

# The check counts the ethnic group among the identifiers, but many patients share the word for it.
_IDENTIFYING = (IDENTIFIERS | INSTITUTIONS | {tags.PATIENT_ID, tags.PATIENT_BIRTH_DATE}) - {tags.ETHNIC_GROUP}
_INSTANCES = frozenset({tags.SOP_INSTANCE_UID, tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID})
_COMPONENT = re.compile(rb"[\\^=, \0]+")
_WHOLE = re.compile(rb"[\\\0]+")


@dataclass(frozen=True, slots=True)
class PatientValues:
    """Values that identify one patient, of one file or several. They never leave memory.

    :ivar stored: as bytes, as files store them in any character set, in lower case.
    :ivar undisguised: as the check would look for them in the rest of a set
        (:mod:`privxray.deid.judging.leaks`).
    """

    stored: frozenset[bytes] = field(default=frozenset(), repr=False)
    undisguised: frozenset[IdentifyingValue] = field(default=frozenset(), repr=False)

    def __or__(self, other: PatientValues) -> PatientValues:
        return PatientValues(self.stored | other.stored, self.undisguised | other.undisguised)


NO_VALUES: Final = PatientValues()


def stored_values(tree: Tree, profile: Profile) -> frozenset[bytes]:
    """The identifying values of a data set, at any depth, except those that the profile keeps."""
    found: set[bytes] = set()
    for part in all_trees(tree):
        for tag, node in part.nodes.items():
            if (node.vr != "PN" and tag not in _IDENTIFYING) or Action.K in profile.actions(tag):
                continue
            found.update(_names(node) if node.vr == "PN" else _numbers(node))
    return frozenset(found)


def instance_uids(tree: Tree) -> frozenset[str]:
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
    if not is_temporal("DA", day):
        return
    digits = day.replace(".", "")
    year, month, number = digits[:4], digits[4:6], digits[6:]
    yield digits.encode()
    for sign in "-./":
        for parts in ((year, month, number), (number, month, year), (month, number, year)):
            yield sign.join(parts).encode()
