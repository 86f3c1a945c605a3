"""Content items of structured reports and the codes in them (PS3.3 C.17, C.18; PS3.15 E.3.4)."""

from __future__ import annotations

from privxray.deid.dicomfile.data_set_tree import Tree
from privxray.deid.profile.profile import Code, Profile

SEQUENCES = frozenset({0x0040A730, 0x00400555, 0x00400610, 0x0040B020})
"""Content, Acquisition Context, Specimen Preparation and Waveform Annotation Sequence: items by concept."""

TEXT_VALUE = 0x0040A160

_CONCEPT_NAME, _VALUE_TYPE = 0x0040A043, 0x0040A040
_SCHEME, _VALUES = 0x00080102, (0x00080100, 0x00080119, 0x00080120)
_SCHEMES = """
    ACR BARI BI CDCREC CTCAE DC DCM FMA I10 I10P I11 I9C ICD11 ICDO3 IHERADTF ISO3166_1 ISO639_1 ISO639_2
    ITIS_TSN LN LOINC MA MAYOASRG MDC NCIt NDC NEU NLM NYUMCCG PUBCHEM_CID RADELEMENT RADLEX RFC3066 RFC5646
    RO RXNORM SCT SDM SNM3 SRT UBERON UCUM UMLS UNS
"""
_PUBLIC = frozenset({*_SCHEMES.split(), "NCDR [2.0b]"})


def item_codes(profile: Profile, item: Tree) -> tuple[Code, ...]:
    """What a profile says about a content item by the name of its concept; empty where nothing does."""
    name = item.nodes.get(_CONCEPT_NAME)
    if name is None or not name.items:
        return ()
    concept = name.items[0]
    code = next(filter(None, map(concept.text, _VALUES)), "")
    return profile.content_codes(concept.text(_SCHEME), code, item.text(_VALUE_TYPE))


def is_public_code(tree: Tree) -> bool:
    """Is this a code of a scheme that is published (PS3.16 Table 8-1), and so not made up by a sender?

    Its meaning is text from the file all the same, and is searched for the patient's values like any other.
    """
    return tree.text(_SCHEME) in _PUBLIC and any(tree.text(tag) for tag in _VALUES)
