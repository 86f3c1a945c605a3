"""Content items of structured reports and the codes in them (PS3.3 C.17, C.18; PS3.15 E.3.4)."""

from __future__ import annotations

from privxray.deid import tags
from privxray.deid.dicomfile.data_set_tree import Tree
from privxray.deid.profile.profile import Action, Profile

SEQUENCES = frozenset(
    {
        tags.CONTENT_SEQUENCE,
        tags.ACQUISITION_CONTEXT_SEQUENCE,
        tags.SPECIMEN_PREPARATION_SEQUENCE,
        tags.WAVEFORM_ANNOTATION_SEQUENCE,
    }
)
"""Content, Acquisition Context, Specimen Preparation and Waveform Annotation Sequence: items named by
concept.
"""

_VALUES = (tags.CODE_VALUE, tags.LONG_CODE_VALUE, tags.URN_CODE_VALUE)
_SCHEMES = """
    ACR BARI BI CDCREC CTCAE DC DCM FMA I10 I10P I11 I9C ICD11 ICDO3 IHERADTF ISO3166_1 ISO639_1 ISO639_2
    ITIS_TSN LN LOINC MA MAYOASRG MDC NCIt NDC NEU NLM NYUMCCG PUBCHEM_CID RADELEMENT RADLEX RFC3066 RFC5646
    RO RXNORM SCT SDM SNM3 SRT UBERON UCUM UMLS UNS
"""
_PUBLIC = frozenset({*_SCHEMES.split(), "NCDR [2.0b]"})


def item_actions(profile: Profile, item: Tree) -> tuple[Action, ...]:
    """What a profile says about a content item, by the name of its concept; empty where it says nothing."""
    name = item.nodes.get(tags.CONCEPT_NAME_CODE_SEQUENCE)
    if name is None or not name.items:
        return ()
    concept = name.items[0]
    code = next(filter(None, map(concept.text, _VALUES)), "")
    return profile.content_actions(
        concept.text(tags.CODING_SCHEME_DESIGNATOR), code, item.text(tags.VALUE_TYPE)
    )


def is_public_code(tree: Tree) -> bool:
    """Whether this is a code of a published scheme (PS3.16 Table 8-1), and so not made up by a sender.

    Its meaning is text from the file all the same. It is searched for the patient's values like any other
    text.
    """
    return tree.text(tags.CODING_SCHEME_DESIGNATOR) in _PUBLIC and any(tree.text(tag) for tag in _VALUES)
