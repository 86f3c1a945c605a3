"""The copy says that it was de-identified, by what method, and what became of its dates and its pixels."""

from __future__ import annotations

from privxray.deid import tags
from privxray.deid.dicomfile.data_set_tree import Node, Tree
from privxray.deid.profile.annex_e import EDITION
from privxray.deid.profile.profile import Profile
from privxray.version import __version__

DECLARING = frozenset(
    {
        tags.PATIENT_IDENTITY_REMOVED,
        tags.DEIDENTIFICATION_METHOD,
        tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
        tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
    }
)
"""The attributes that :func:`declare_method` always sets."""


def declare_method(tree: Tree, profile: Profile, *, searched: bool) -> None:
    """Set what PS3.15 wants a copy to say (E.1.1 step 6, E.3.1, E.3.6; PS3.3 C.7.1.1, C.7.6.1 and C.12.1).

    :param searched: the pixels were searched for text, and what was found is black; or the site's rules named
        what is burned into the pictures of this device, and that is black.
    """
    tree.put(tags.PATIENT_IDENTITY_REMOVED, "CS", "YES")
    method = f"privxray {__version__}, DICOM PS3.15 {EDITION} Annex E"
    tree.put(tags.DEIDENTIFICATION_METHOD, "LO", method[:64])
    codes = [_code(value, meaning) for value, meaning in profile.methods]
    sequence = tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE
    tree.nodes[sequence] = Node(sequence, "SQ", items=codes)
    tree.put(tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, "CS", str(profile.dates.value))
    if searched:
        tree.put(tags.BURNED_IN_ANNOTATION, "CS", "NO")


def _code(value: str, meaning: str) -> Tree:
    """A code of the DICOM Controlled Terminology (PS3.16)."""
    code = Tree()
    code.put(tags.CODE_VALUE, "SH", value)
    code.put(tags.CODING_SCHEME_DESIGNATOR, "SH", "DCM")
    code.put(tags.CODE_MEANING, "LO", meaning)
    return code
