"""Applying a profile to a data set: every element at every depth (PS3.15 E.1.1, Table E.1-1, E.3).

Where the table names alternatives, which of them keeps the object valid depends on the attribute's type in
its IOD (PS3.3), and IOD tables are not here. Two facts stand in for them:

* what is valid for a mandatory attribute is valid for an optional one, so of ``X/Z``, ``X/D``, ``Z/D`` and
  ``X/Z/D`` the last alternative is never wrong;
* in the plain image objects of :data:`PLAIN_IMAGES` none of the attributes with ``X/D`` or ``X/Z/D`` is
  mandatory, and of those with ``Z/D`` only Patient ID must hold something, so there the first is taken.

Where an option says "clean" (C), dates are moved, descriptions stay if
:mod:`privxray.deid.cleaning.descriptors` knows every word, and what can't be cleaned so goes the way it
would have gone without the option.

Beyond the table: attributes that the standard doesn't know, that are stored as another kind than the standard
says, or that hold a value of the patient (:mod:`privxray.deid.cleaning.own_values`) are not trusted; dates
and names outside the table are treated as if they were in it; overlays and curves go whole, for a bitmap may
be text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from privxray.deid import tags
from privxray.deid.cleaning.descriptors import is_safe
from privxray.deid.cleaning.own_values import OwnValues
from privxray.deid.cleaning.pseudonymise import Pseudonyms
from privxray.deid.cleaning.replacement_values import dummy
from privxray.deid.cleaning.shift_dates import capped_age, is_valid, moved
from privxray.deid.cleaning.structured_content import SEQUENCES, is_public_code, item_actions
from privxray.deid.dicomfile.data_set_tree import Node, Tree
from privxray.deid.dicomfile.dictionary import registered, standard_vr
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

_DESCRIBING = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_OPAQUE = frozenset({"OB", "OW", "UN"})
_SEARCHED = frozenset({"OB", "UN"})
_MAX_SEARCHED = 1 << 20
_TEMPORAL = frozenset({"DA", "DT", "TM"})
_BASE = Profile()


@dataclass(frozen=True)
class Subject:
    """Whom a file is about, after the change.

    :ivar patient: the pseudonym. :ivar days: how far dates are moved into the past.
    :ivar own: values that must not be in anything kept. :ivar uids: the file's own UIDs before the change.
    """

    patient: str
    days: int
    own: OwnValues
    uids: frozenset[str] = field(default_factory=frozenset)


class Cleaner:
    """Applies one profile to the data set of one file, in place."""

    def __init__(self, profile: Profile, pseudonyms: Pseudonyms, subject: Subject, sop_class: str) -> None:
        self._profile = profile
        self._pseudonyms = pseudonyms
        self._subject = subject
        self._plain = sop_class in PLAIN_IMAGES

    def clean(self, tree: Tree) -> None:
        """The data set; afterwards it has Patient's Name and ID, which every image needs (PS3.3 C.7.1.1)."""
        self._clean(tree, strict=False)
        for tag, vr in ((tags.PATIENT_NAME, "PN"), (tags.PATIENT_ID, "LO")):
            if Action.K not in self._profile.actions(tag):
                tree.put(tag, vr, self._subject.patient)

    def _clean(self, tree: Tree, *, strict: bool) -> None:
        """One data set. ``strict``: it lies in a sequence whose content is made up, so no text is trusted."""
        creators = {
            (tag >> 16, tag & 0xFF): node.text
            for tag, node in tree.nodes.items()
            if tag & 0x10000 and 0x10 <= tag & 0xFFFF <= 0xFF
        }
        made_up = strict and not is_public_code(tree)
        for tag in sorted(tree.nodes):
            node = tree.nodes[tag]
            if tag & 0x10000:
                creator = creators.get((tag >> 16, (tag & 0xFFFF) >> 8))
                keep = Action.K in self._profile.actions(tag, creator) and self._keep(node, strict=True)
            else:
                keep = self._act(node, strict=strict if node.items is not None else made_up)
            if not keep:
                del tree.nodes[tag]
        _drop_empty_blocks(tree)

    def _act(self, node: Node, *, strict: bool) -> bool:
        """Carry out what the profile says about a standard element; False where it is to be removed."""
        tag = node.tag
        group = tag >> 16
        known = standard_vr(tag)
        actions = self._profile.actions(tag)
        if group in (0x0000, 0x0002) or 0x5000 <= group <= 0x50FF or 0x6000 <= group <= 0x60FF:
            return False
        if (known is None and not actions) or node.wrong_kind:
            return False
        if not actions:
            return self._act_unlisted(node, strict=strict)
        if Action.C in actions:
            return self._clean_value(node) or self._carry_out(node, self._base(tag))
        if Action.K in actions:
            return self._keep(node, strict=strict) or self._carry_out(node, self._base(tag))
        return self._carry_out(node, self._chosen(tag, actions))

    def _act_unlisted(self, node: Node, *, strict: bool) -> bool:
        if node.vr in _TEMPORAL:
            return self._profile.dates is not Dates.REMOVED and self._move(node)
        if node.vr == "PN":
            node.value = b""
            return True
        if strict and node.vr in _OPAQUE:
            return False
        if strict and node.vr in _DESCRIBING - {"CS"} and not is_safe(node.value):
            node.value = dummy(node.vr, 0)
            return True
        return self._keep(node, strict=strict)

    def _chosen(self, tag: int, actions: tuple[Action, ...]) -> Action:
        if Action.U in actions:
            return Action.U
        if self._plain and Action.D in actions and tag != tags.PATIENT_ID:
            return actions[0]
        return actions[-1]

    def _base(self, tag: int) -> Action:
        actions = _BASE.actions(tag)
        return self._chosen(tag, actions) if actions else Action.X

    def _carry_out(self, node: Node, code: Action) -> bool:
        """Codes X, Z, D and U."""
        if code is Action.X:
            return False
        if node.tag == tags.PATIENT_ID and node.text:
            node.value = self._pseudonyms.patient(node.text).encode()
        elif code is Action.Z:
            node.value, node.items = b"", [] if node.items is not None else None
        elif code is Action.U or node.vr == "UI":
            self._new_uids(node)
            for item in node.items or ():
                self._clean(item, strict=False)
        elif node.items is not None:
            self._clean_items(node, strict=True)
        elif node.value.strip(b" \0"):
            node.value = dummy(node.vr, len(node.value))
        return True

    def _clean_value(self, node: Node) -> bool:
        """Code C; False where the value can't be cleaned."""
        if self._profile.is_temporal(node.tag):
            return self._move(node)
        if node.items is not None:
            self._clean_items(node, strict=True)
            return True
        return node.vr in _DESCRIBING and is_safe(node.value) and not self._subject.own.are_in(node.value)

    def _clean_items(self, node: Node, *, strict: bool) -> None:
        items = node.items or []
        if node.tag in SEQUENCES:
            items[:] = [item for item in items if self._clean_content(item)]
        else:
            for item in items:
                self._clean(item, strict=strict)
                item.nodes.pop(tags.PIXEL_DATA, None)  # a second picture, in which nobody looks for text
        while items and not items[-1].nodes:  # says nothing, and is not seen when the file is read again
            items.pop()

    def _clean_content(self, item: Tree) -> bool:
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
            text.value = dummy(text.vr, 0)
        self._clean(item, strict=True)
        if kept is not None:
            item.nodes[tags.TEXT_VALUE] = kept
        return True

    def _keep(self, node: Node, *, strict: bool) -> bool:
        """Code K: the value as it is, if it is what it should be; False where it can't be trusted."""
        if node.items is not None:
            self._clean_items(node, strict=strict)
            return True
        if node.vr in _TEMPORAL:
            return all(is_valid(node.vr, part) for part in node.text.split("\\") if part.strip())
        if node.vr == "AS":
            age = capped_age(node.text)
            node.value = (age or "").encode()
            return age is not None
        if node.vr == "UI":
            self._new_uids(node, only=self._subject.uids)
        elif node.vr in _DESCRIBING and self._subject.own.are_in(node.value):
            if standard_vr(node.tag) is None or self._profile.actions(node.tag):
                return False
            node.value = dummy(node.vr, 0)
        elif node.vr in ("DS", "IS") and self._subject.own.are_in_number(node.value):
            node.value = dummy(node.vr, 0)
        elif node.vr in _SEARCHED and node.tag != tags.PIXEL_DATA and len(node.value) <= _MAX_SEARCHED:
            return not self._subject.own.are_in_bytes(node.value)
        return True

    def _move(self, node: Node) -> bool:
        """Dates by the profile's option, what is none emptied; False where no date is left."""
        if node.tag == tags.TIMEZONE_OFFSET_FROM_UTC:
            return is_valid("DT", f"20000101{node.text}") and len(node.text) == 5
        days = self._subject.days if self._profile.dates is Dates.MODIFIED else 0
        if not node.text:
            return True
        parts = [moved(node.vr, part, days) or "" for part in node.text.split("\\")]
        if any(parts):
            node.value = "\\".join(parts).encode()
        return any(parts)

    def _new_uids(self, node: Node, only: Iterable[str] | None = None) -> None:
        """New UIDs for old ones, the standard's own excepted: all of them, or those in ``only``."""
        if node.vr != "UI":
            return
        if Action.K in self._profile.actions(tags.SOP_INSTANCE_UID):
            return
        parts = [part.strip(" \0") for part in node.text.split("\\")]
        new = [
            part
            if not part or registered(part) or (only is not None and part not in only)
            else self._pseudonyms.uid(part)
            for part in parts
        ]
        node.value = "\\".join(new).encode("latin-1")


def _drop_empty_blocks(tree: Tree) -> None:
    """Remove private creators whose block holds nothing."""
    used = {(tag >> 16, (tag & 0xFFFF) >> 8) for tag in tree.nodes if tag & 0x10000 and tag & 0xFFFF > 0xFF}
    for tag in [tag for tag in tree.nodes if tag & 0x10000 and 0x10 <= tag & 0xFFFF <= 0xFF]:
        if (tag >> 16, tag & 0xFF) not in used:
            del tree.nodes[tag]
