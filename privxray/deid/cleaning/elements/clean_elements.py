"""Applying a profile to a data set: every element at every depth (PS3.15 E.1.1, Table E.1-1, E.3).

Where the table names alternatives, which of them keeps the object valid depends on the attribute's type in
its IOD (PS3.3), and privxray has no IOD tables. Two facts stand in for them:

* What is valid for a mandatory attribute is valid for an optional one. So of ``X/Z``, ``X/D``, ``Z/D`` and
  ``X/Z/D`` the last alternative is never wrong.
* In the plain image objects of :data:`PLAIN_IMAGES` none of the attributes with ``X/D`` or ``X/Z/D`` is
  mandatory, and of those with ``Z/D`` only Patient ID must hold something. So there the first is taken.

:mod:`privxray.deid.cleaning.elements.attribute_types` has the few places where these are not enough.

Where an option says "clean" (C), dates are moved, and descriptions stay if
:mod:`privxray.deid.cleaning.elements.descriptors` knows every word. What can't be cleaned so is treated as if
the option had not been taken.

Some rules go beyond the table. An attribute is not trusted if the standard doesn't know it, if it is stored
as another kind than the standard says, or if it holds a value of the patient. Dates and names outside the
table are treated as if they were in it, and so are UIDs, except those of classes, transfer syntaxes and
schemes. Overlays and curves are removed whole, for a bitmap may be text.
"""

from __future__ import annotations

from privxray.deid import tags
from privxray.deid.cleaning.elements.attribute_types import KEEP_EMPTY_ITEMS, Place, valid_action
from privxray.deid.cleaning.elements.clean_values import TEXTUAL, NewIdentity, ValueCleaner
from privxray.deid.cleaning.elements.descriptors import is_safe
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.elements.replacement_values import dummy
from privxray.deid.cleaning.elements.structured_content import SEQUENCES, is_public_code, item_actions
from privxray.deid.dicomfile.data_set_tree import Node, Tree
from privxray.deid.dicomfile.dictionary import standard_vr
from privxray.deid.judging.wanted import TEMPORAL
from privxray.deid.profile.profile import Action, Dates, Profile

PLAIN_IMAGES = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{number}"
    for number in (
        "1",  # CR
        *("1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1"),  # DX, MG, intra-oral
        *("2", "3.1", "4", "6.1"),  # CT, US multi-frame, MR, US
        *("7", "7.1", "7.2", "7.3", "7.4"),  # secondary capture
        *("12.1", "12.2"),  # XA, XRF
    )
)
"""SOP classes in which the first alternative is known to be valid (PS3.3 A.2 to A.8, A.14, A.16, A.26 ff)."""

_OPAQUE = frozenset({"OB", "OW", "UN"})
_BASIC = Profile()


class ElementCleaner:
    """Applies one profile to the data set of one file, in place.

    :param sop_class: of the file; it decides between the alternatives of the table.
    """

    def __init__(
        self, profile: Profile, pseudonyms: Pseudonyms, identity: NewIdentity, sop_class: str
    ) -> None:
        self._profile = profile
        self._patient = identity.patient
        self._values = ValueCleaner(profile, pseudonyms, identity)
        self._plain = sop_class in PLAIN_IMAGES

    def clean(self, tree: Tree) -> None:
        """Clean the data set; it then has Patient's Name and Patient ID, which each image needs (C.7.1.1)."""
        self._clean(Place(tree), strict=False)
        for tag, vr in ((tags.PATIENT_NAME, "PN"), (tags.PATIENT_ID, "LO")):
            if Action.K not in self._profile.actions(tag):
                tree.put(tag, vr, self._patient)

    def _clean(self, place: Place, *, strict: bool) -> None:
        """One data set. ``strict``: it lies in a sequence whose content is made up, so no text is trusted."""
        tree = place.tree
        creators = {
            (tag >> 16, tag & 0xFF): node.text for tag, node in tree.nodes.items() if _is_creator(tag)
        }
        made_up = strict and not is_public_code(tree)
        for tag in sorted(tree.nodes):
            node = tree.nodes[tag]
            if _is_private(tag):
                creator = creators.get((tag >> 16, (tag & 0xFFFF) >> 8))
                keep = Action.K in self._profile.actions(tag, creator) and self._keep(node, strict=True)
            else:
                keep = self._act(node, place, strict=strict if node.items is not None else made_up)
            if not keep:
                del tree.nodes[tag]
        _drop_empty_blocks(tree)

    def _act(self, node: Node, place: Place, *, strict: bool) -> bool:
        """Carry out what the profile says about a standard element; False where it is to be removed."""
        tag = node.tag
        actions = self._profile.actions(tag)
        if _is_overlay_or_meta(tag) or node.wrong_kind or (standard_vr(tag) is None and not actions):
            return False
        fixed = self._values.fixed(node)
        if fixed is not None:
            node.value = fixed.encode()
            return True
        if not actions:
            return self._act_unlisted(node, strict=strict)
        if Action.C in actions:
            if self._clean_value(node):
                return True
            action = self._base(tag)
        elif Action.K in actions:
            if self._keep(node, strict=strict):
                return True
            action = self._base(tag)
        else:
            action = self._chosen(tag, actions)
        return self._carry_out(node, valid_action(action, tag, place))

    def _act_unlisted(self, node: Node, *, strict: bool) -> bool:
        """A standard element that Table E.1-1 does not name."""
        if node.vr in TEMPORAL:
            return self._profile.dates is not Dates.REMOVED and self._values.move(node)
        if node.vr == "PN":
            node.value = b""
            return True
        if strict and node.vr in _OPAQUE:
            return False
        if strict and node.vr in TEXTUAL - {"CS"} and not is_safe(node.value):
            self._values.make_up(node)
            return True
        if not self._keep(node, strict=strict):
            return False
        if node.vr in TEXTUAL:
            self._values.replace_telling(node)
            if self._profile.drop_unknown_text:
                self._values.drop_unknown_text(node)
        return True

    def _chosen(self, tag: int, actions: tuple[Action, ...]) -> Action:
        """One of the table's alternatives; the module's text says which and why."""
        if Action.U in actions:
            return Action.U
        if self._plain and Action.D in actions and tag != tags.PATIENT_ID:
            return actions[0]
        return actions[-1]

    def _base(self, tag: int) -> Action:
        """What the Basic Profile does, where an option's action can't be carried out."""
        actions = _BASIC.actions(tag)
        return self._chosen(tag, actions) if actions else Action.X

    def _carry_out(self, node: Node, action: Action) -> bool:
        """Actions X, Z, D and U."""
        if action is Action.X:
            return False
        if node.tag == tags.PATIENT_ID and node.text:
            self._values.name_patient(node)
        elif action is Action.Z:
            node.value, node.items = b"", [] if node.items is not None else None
        elif action is Action.U or node.vr == "UI":
            self._values.renew_uids(node)
            for item in node.items or ():
                self._clean(Place(item, node.tag), strict=False)
        elif node.items is not None:
            return self._clean_items(node, strict=True)
        elif node.value.strip(b" \0"):
            node.value = dummy(node.vr, len(node.value))
        return True

    def _clean_value(self, node: Node) -> bool:
        """Action C; False where the value can't be cleaned."""
        if node.items is not None and not self._profile.is_temporal(node.tag):
            return self._clean_items(node, strict=True)
        return self._values.clean(node)

    def _keep(self, node: Node, *, strict: bool) -> bool:
        """Action K; False where the value can't be trusted."""
        if node.items is not None:
            self._clean_items(node, strict=strict)
            return True
        return self._values.keep(node)

    def _clean_items(self, node: Node, *, strict: bool) -> bool:
        """The items of a sequence; False if it had some and none is left.

        Items at the end that cleaning emptied go, except where they count. Those that were empty stay.
        """
        items = node.items or []
        some, empty = bool(items), {id(item) for item in items if not item.nodes}
        if node.tag in SEQUENCES:
            items[:] = [item for item in items if self._clean_content(item, node.tag)]
        else:
            for item in items:
                self._clean(Place(item, node.tag), strict=strict)
                item.nodes.pop(tags.PIXEL_DATA, None)  # a second picture, which is not searched for text
        if node.tag not in KEEP_EMPTY_ITEMS:
            while items and not items[-1].nodes and id(items[-1]) not in empty:
                items.pop()
        return bool(items) or not some

    def _clean_content(self, item: Tree, parent: int) -> bool:
        """A content item of a structured report by Table E.3.4-1 (PS3.15 E.3.4); False where it must go.

        Names, dates and UIDs in it have rows of their own in Table E.1-1. A text that no row keeps stays only
        if it consists of known terms.
        """
        actions = item_actions(self._profile, item)
        if actions == (Action.X,):
            return False
        text = item.nodes.get(tags.TEXT_VALUE)
        kept = None
        if text is not None and actions == (Action.K,) and self._keep(text, strict=False):
            kept = item.nodes.pop(tags.TEXT_VALUE)
        elif text is not None and Action.D in actions:
            self._values.make_up(text)
        self._clean(Place(item, parent), strict=True)
        if kept is not None:
            item.nodes[tags.TEXT_VALUE] = kept
        return True


def _is_private(tag: int) -> bool:
    return bool(tag & 0x10000)


def _is_creator(tag: int) -> bool:
    """Whether the element reserves a block of private elements (PS3.5 7.8.1)."""
    return _is_private(tag) and 0x10 <= tag & 0xFFFF <= 0xFF


def _is_overlay_or_meta(tag: int) -> bool:
    """Groups 0000 and 0002, which are no part of a data set, and 50xx and 60xx: curves and overlays."""
    group = tag >> 16
    return group in (0x0000, 0x0002) or group >> 8 in (0x50, 0x60)


def _drop_empty_blocks(tree: Tree) -> None:
    """Remove private creators whose block holds nothing."""
    used = {
        (tag >> 16, (tag & 0xFFFF) >> 8) for tag in tree.nodes if _is_private(tag) and tag & 0xFFFF > 0xFF
    }
    for tag in list(filter(_is_creator, tree.nodes)):
        if (tag >> 16, tag & 0xFF) not in used:
            del tree.nodes[tag]
