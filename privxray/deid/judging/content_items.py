"""Content items of structured reports against Table E.3.4-1 (PS3.15 E.3.4).

A content item is an item of Content Sequence, Acquisition Context Sequence or Specimen Preparation Step
Content Item Sequence: a concept name as a code, a value type, and a value. What may become of the value
depends on the concept, so an item is judged as a whole, when its own attributes have passed: in the order of
tags the concept name comes before the value, and both before nested items.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from privxray.deid import tags
from privxray.deid.dicomfile.element import Element
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.element_judge import Judge
from privxray.deid.profile.annex_e import content_row
from privxray.deid.profile.profile import Action

_SEQUENCES: Final = tuple(
    map(
        tags.label,
        (
            tags.CONTENT_SEQUENCE,
            tags.ACQUISITION_CONTEXT_SEQUENCE,
            tags.SPECIMEN_PREPARATION_STEP_CONTENT_ITEM_SEQUENCE,
            tags.WAVEFORM_ANNOTATION_SEQUENCE,
        ),
    )
)
_CONCEPT: Final = f"{tags.label(tags.CONCEPT_NAME_CODE_SEQUENCE)}[0]/"
_VALUES: Final = frozenset(
    {tags.DATE_TIME, tags.DATE, tags.TIME, tags.PERSON_NAME, tags.UID, tags.TEXT_VALUE}
)
_MAX_VALUES: Final = 64  # of one item: a legal one has one


class ContentItems:
    """Collects one item at a time while a file is read; memory does not grow with the report."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._prefix = ""
        self._scheme = self._code = self._type = ""
        self._values: list[Element] = []

    @property
    def open(self) -> bool:
        """Is there an item whose end has not been seen?"""
        return bool(self._prefix)

    def take(self, element: Element) -> Iterator[Finding]:
        """The next element of the file; gives the findings of an item that ended before it."""
        prefix = element.prefix
        if self._prefix and (not prefix.startswith(self._prefix) or element.tag == tags.CONTENT_SEQUENCE):
            yield from self.finish()
        if not prefix or element.tag == tags.CONTENT_SEQUENCE:
            return
        if not self._prefix and _is_item(prefix):
            self._prefix = prefix
        if not self._prefix:
            return
        if prefix == self._prefix:
            if element.tag == tags.VALUE_TYPE:
                self._type = _text(element)
            elif element.tag in _VALUES and len(self._values) < _MAX_VALUES:
                self._values.append(element)
        elif prefix == self._prefix + _CONCEPT:
            if element.tag == tags.CODE_VALUE:
                self._code = _text(element)
            elif element.tag == tags.CODING_SCHEME_DESIGNATOR:
                self._scheme = _text(element)

    def finish(self) -> Iterator[Finding]:
        """The findings of the item at hand, if there is one."""
        prefix, values = self._prefix, self._values
        scheme, code, value_type = self._scheme, self._code, self._type
        self._prefix = self._scheme = self._code = self._type = ""
        self._values = []
        row = content_row(scheme, code, value_type) if code else None
        if row is None:
            return
        actions = self._judge.profile.content_actions(scheme, code, value_type)
        if actions == (Action.X,):
            yield rules.CONTENT_ITEM_REMOVE.at(prefix.removesuffix("/"), row.meaning)
            return
        if Action.K in actions or Action.C in actions:
            return  # kept, or judged by its shape like any text that stays
        for element in values:
            if element.filled:
                rule = self._judge.replaced(element, dummy_allowed=True).rule
                if rule is rules.REPLACE:
                    rule = rules.CONTENT_ITEM_REPLACE
                if rule is not None:
                    yield rule.at(element.where, row.meaning)


def _is_item(prefix: str) -> bool:
    return prefix.rpartition("[")[0].endswith(_SEQUENCES)


def _text(element: Element) -> str:
    return element.value.decode("latin-1").strip(" \0")
