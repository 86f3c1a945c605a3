"""The findings about one copy, compared with its original. None shows a value.

Tested in tests/unit/test_deid_comparing.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from privxray.deid import tags
from privxray.deid.comparing.document_text import document_texts
from privxray.deid.comparing.file_traits import FileTraits
from privxray.deid.comparing.originals import Match, Originals
from privxray.deid.dicomfile.dictionary import standard_vr
from privxray.deid.dicomfile.element import Data
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.leak_findings import wanted_in_dicom
from privxray.deid.judging.wanted import TEMPORAL, Wanted
from privxray.deid.profile.profile import Action, Dates, Profile

# What privxray writes there itself may be some patient's name.
_OWN_WORDS: Final = tuple(
    map(tags.label, (tags.DEIDENTIFICATION_METHOD, tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE))
)


def compare(
    data: Data,
    traits: tuple[FileTraits, Sequence[FileTraits]],
    match: Match,
    originals: Originals,
    profile: Profile,
) -> Iterator[Finding]:
    """What is wrong with a copy, by its original and those of the others. Pixels are compared elsewhere.

    :param data: of the copy. :param traits: of the copy, and of the originals that it may have.
    """
    copy, befores = traits
    dates = () if profile.dates is Dates.FULL else {date for one in befores for date in one.dates}
    wanted = originals.wanted(match.patients, dates)
    if not match.patients:
        yield rules.AGAINST_UNMATCHED.at("file")
    elif not match.places:
        yield rules.AGAINST_NO_FILE.at("file")
    for leak in wanted_in_dicom(wanted, data):
        if not (copy.method.startswith("privxray ") and leak.where.startswith(_OWN_WORDS)):
            yield leak
    if Action.K not in profile.actions(tags.SOP_INSTANCE_UID):
        stayed = {where for where, uid in copy.uids if originals.has_uid(uid)}
        yield from (rules.AGAINST_UID.at(where) for where in sorted(stayed))
    replaced = {key for one in befores for _, key in one.replaced}
    for where, key in copy.replaced:
        if key in replaced:
            temporal = standard_vr(tags.from_label(where[-11:])) in TEMPORAL
            yield (rules.AGAINST_DATE if temporal else rules.AGAINST_VALUE).at(where)
    if match.patients:
        yield from _documents(copy, wanted)


def _documents(copy: FileTraits, wanted: Wanted) -> Iterator[Finding]:
    for where, (start, end) in copy.documents.items():
        texts = document_texts(bytes(copy.data[start:end]))
        if any(wanted.in_binary("OB", text, 0, len(text)) for text in texts):
            yield rules.LEAK_BYTES.at(where)
        else:
            yield rules.DOCUMENT_SEARCHED.at(where)
