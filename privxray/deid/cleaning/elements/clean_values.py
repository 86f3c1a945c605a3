"""Changing one value: keep it if it can be trusted, move dates, renew UIDs, make up (PS3.15 E.1.1, E.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from privxray.deid import tags
from privxray.deid.cleaning.elements.descriptors import is_safe
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.elements.replacement_values import dummy
from privxray.deid.cleaning.elements.shift_dates import capped_age, is_temporal, shifted
from privxray.deid.cleaning.elements.single_values import replace_offending
from privxray.deid.cleaning.elements.value_search import ValueSearch
from privxray.deid.dicomfile.character_sets import decoded
from privxray.deid.dicomfile.data_set_tree import Node
from privxray.deid.dicomfile.dictionary import registered, standard_vr
from privxray.deid.dicomfile.element import TEXT
from privxray.deid.judging.element_judge import telling_shape
from privxray.deid.judging.wanted import TEMPORAL
from privxray.deid.profile.class_uids import CLASS_UIDS
from privxray.deid.profile.profile import Action, Dates, Profile
from privxray.deid.values.unknown_text import is_unknown

TEXTUAL = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
"""Value representations of text that a person may have typed."""

_PIXELS = frozenset({tags.PIXEL_DATA, tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA})


@dataclass(frozen=True)
class NewIdentity:
    """Whom a copy is about.

    :ivar patient: the pseudonym. :ivar days: how far dates are moved into the past.
    :ivar search: finds what must not be in anything kept.
    :ivar uids: the file's own UIDs, which are replaced wherever they are repeated.
    """

    patient: str
    days: int
    search: ValueSearch
    uids: frozenset[str] = field(default_factory=frozenset)


class ValueCleaner:
    """Changes the values of single elements, none of which is a sequence.

    Each method that can fail says so by False: the value can't be trusted or cleaned, and the caller decides
    what becomes of the element.
    """

    def __init__(self, profile: Profile, pseudonyms: Pseudonyms, identity: NewIdentity) -> None:
        self._profile = profile
        self._pseudonyms = pseudonyms
        self._identity = identity

    def fixed(self, node: Node) -> str | None:
        """The value that the site's rules give this attribute; None where they give none, or it is empty."""
        if not self._profile.site.replacements or node.items is not None or not node.value.strip(b" \0"):
            return None
        original = decoded(node.value, self._identity.search.codec).strip(" \0")
        return self._profile.site.value_for(node.tag, original)

    def keep(self, node: Node) -> bool:
        """Action K: the value as it is, if it is what it should be and holds nothing of the patient's."""
        if node.vr in TEMPORAL:
            return all(is_temporal(node.vr, part) for part in node.text.split("\\") if part.strip())
        if node.vr == "AS":
            age = capped_age(node.text)
            node.value = (age or "").encode()
            return age is not None
        if node.vr == "UI":
            listed = bool(self._profile.actions(node.tag))  # so the profile itself says that it stays
            kept = listed or node.tag in CLASS_UIDS
            self.renew_uids(node, only=self._identity.uids if kept else None)
        elif node.vr in TEXTUAL and self._identity.search.in_text(node.value):
            if standard_vr(node.tag) is None or self._profile.actions(node.tag):
                return False
            replace_offending(node, self._identity.search.codec, self._identity.search.in_text)
        elif node.vr in ("DS", "IS") and self._identity.search.in_number(node.value):
            self.make_up(node)
        elif node.vr not in TEXT and node.tag not in _PIXELS:
            return not self._identity.search.in_bytes(node.value, node.vr)
        return True

    def replace_telling(self, node: Node) -> None:
        """Replace the values of a text that look like a name, an address, a date or a record number."""
        codec, tag, vr = self._identity.search.codec, node.tag, node.vr
        replace_offending(
            node, codec, lambda value: telling_shape(tag, vr, decoded(value, codec)) is not None
        )

    def drop_unknown_text(self, node: Node) -> None:
        """Replace the values of a text that are no terms (:mod:`privxray.deid.values.unknown_text`)."""
        codec = self._identity.search.codec
        replace_offending(node, codec, lambda value: is_unknown(node.tag, node.vr, decoded(value, codec)))

    def clean(self, node: Node) -> bool:
        """Action C: dates are moved, and text stays if every word of it is known."""
        if self._profile.is_temporal(node.tag):
            return self.move(node)
        return node.vr in TEXTUAL and is_safe(node.value) and not self._identity.search.in_text(node.value)

    def move(self, node: Node) -> bool:
        """Dates by the profile's option; what is no date becomes empty. False where no date is left."""
        if node.tag == tags.TIMEZONE_OFFSET_FROM_UTC:
            return is_temporal("DT", f"20000101{node.text}") and len(node.text) == 5
        days = self._identity.days if self._profile.dates is Dates.MODIFIED else 0
        if not node.text:
            return True
        parts = [shifted(node.vr, part, days) or "" for part in node.text.split("\\")]
        if any(parts):
            node.value = "\\".join(parts).encode()
        return any(parts)

    def renew_uids(self, node: Node, only: Iterable[str] | None = None) -> None:
        """Action U: new UIDs for old ones, except the standard's own: all of them, or those in ``only``."""
        if node.vr != "UI" or Action.K in self._profile.actions(tags.SOP_INSTANCE_UID):
            return
        parts = [part.strip(" \0") for part in node.text.split("\\")]
        new = [
            part
            if not part or registered(part) or (only is not None and part not in only)
            else self._pseudonyms.uid(part)
            for part in parts
        ]
        node.value = "\\".join(new).encode("latin-1")

    def name_patient(self, node: Node) -> None:
        """Patient ID: the pseudonym of the one that is there."""
        node.value = self._pseudonyms.patient(node.text).encode()

    def make_up(self, node: Node) -> None:
        """A text or number that tells nothing of the original, not even its length."""
        node.value = dummy(node.vr, 0)
