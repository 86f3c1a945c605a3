"""Where Table E.1-1 and the type of an attribute in its IOD (PS3.3) do not go together: the few known places.

The table says what protects the patient, PS3.3 what makes a valid object. Mostly an action that the table
allows is valid, too (:mod:`privxray.deid.cleaning.elements.clean_elements` says which is chosen). The rest is
here. No value of the original stays because of it: an attribute that the table removes is left there empty,
or one that it empties is removed. Tested in tests/unit/test_deid_conformance.py.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from privxray.deid import tags
from privxray.deid.dicomfile.data_set_tree import Tree
from privxray.deid.profile.profile import Action

_TYPE_2: Final = frozenset(
    {
        tags.PATIENT_SETUP_PHOTO_DESCRIPTION,
        tags.PATIENT_TREATMENT_PREPARATION_PROCEDURE_PARAMETER_DESCRIPTION,
        tags.POSITION_ACQUISITION_TEMPLATE_DESCRIPTION,
        tags.PRIOR_TREATMENT_DOSE_DESCRIPTION,
        tags.SOURCE_MANUFACTURER,
    }
)
"""The table removes them; each module that has them wants them, empty if need be."""

_OF_ANIMALS: Final = frozenset({tags.RESPONSIBLE_PERSON, tags.RESPONSIBLE_ORGANIZATION})
"""Type 2C: there, if need be empty, where the patient is an animal (PS3.3 C.7.1.1)."""

_SPECIES: Final = frozenset({tags.PATIENT_SPECIES_DESCRIPTION, tags.PATIENT_SPECIES_CODE_SEQUENCE})

KEEP_EMPTY_ITEMS: Final = frozenset(
    {tags.SHARED_FUNCTIONAL_GROUPS_SEQUENCE, tags.PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE}
)
"""Sequences whose items count even where they hold nothing: one for all frames, one for each (C.7.6.16)."""


class Place(NamedTuple):
    """Where an attribute is.

    :ivar tree: the data set, or the item.
    :ivar parent: the sequence that ``tree`` is an item of; 0 for the data set itself.
    """

    tree: Tree
    parent: int = 0


def valid_action(action: Action, tag: int, place: Place) -> Action:
    """The action that keeps the object valid, in place of X or Z where one of them would not."""
    tree, parent = place
    if action is Action.Z and tag == tags.REFERENCED_STUDY_SEQUENCE:
        # Type 3 with one item or more, but for the requests of a report, where it is of Type 2 (C.17.2).
        return Action.Z if parent == tags.REFERENCED_REQUEST_SEQUENCE else Action.X
    if action is not Action.X:
        return action
    if tag in _TYPE_2 or (tag in _OF_ANIMALS and not _SPECIES.isdisjoint(tree.nodes)):
        return Action.Z
    if tag == tags.REQUESTED_PROCEDURE_ID and parent == tags.REFERENCED_REQUEST_SEQUENCE:
        return Action.Z
    return action
