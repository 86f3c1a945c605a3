"""Content items of structured reports against Table E.3.4-1 (PS3.15 E.3.4).

A content item is an item of Content Sequence, Acquisition Context Sequence, Specimen Preparation Step Content
Item Sequence or Waveform Annotation Sequence. It has a concept name as a code, a value type, and a value.
What may become of the value depends on the concept, so an item is judged as a whole, once its own attributes
have passed. In the order of tags the concept name comes before the value, and both before nested items.
Tested in tests/unit/test_deid_dicom.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from privxray.deid import tags
from privxray.deid.dicomfile.character_sets import plain_text
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
    """Collects one item at a time while a file is read, so memory does not grow with the report."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._prefix = ""
        self._scheme = self._code = self._type = ""
        self._values: list[Element] = []

    @property
    def open(self) -> bool:
        """True while there is an item whose end has not been seen."""
        return bool(self._prefix)

    def take(self, element: Element) -> Iterator[Finding]:
        """The next element of the file; gives the findings about an item that ended before it."""
        prefix, nests = element.prefix, element.tag == tags.CONTENT_SEQUENCE
        if self._prefix and (nests or not prefix.startswith(self._prefix)):
            yield from self.finish()
        if not prefix or nests:
            return
        if not self._prefix and prefix.rpartition("[")[0].endswith(_SEQUENCES):
            self._prefix = prefix
        if self._prefix:
            self._collect(element)

    def _collect(self, element: Element) -> None:
        tag, prefix = element.tag, element.prefix
        if prefix == self._prefix:
            if tag == tags.VALUE_TYPE:
                self._type = plain_text(element.value)
            elif tag in _VALUES and len(self._values) < _MAX_VALUES:
                self._values.append(element)
        elif prefix == self._prefix + _CONCEPT:
            if tag == tags.CODE_VALUE:
                self._code = plain_text(element.value)
            elif tag == tags.CODING_SCHEME_DESIGNATOR:
                self._scheme = plain_text(element.value)

    def finish(self) -> Iterator[Finding]:
        """The findings about the item at hand, if there is one."""
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
            judgement = self._judge.replaced(element, dummy_allowed=True) if element.filled else None
            if judgement is not None:
                rule = judgement.rule
                if rule is rules.REPLACE:
                    rule = rules.CONTENT_ITEM_REPLACE
                yield rule.at(element.where, row.meaning)
