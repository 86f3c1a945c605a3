"""Attributes whose UIDs name a class, a transfer syntax or a scheme: everybody's, so they stay as they are.

Every other attribute of VR UI names something that one site made. Table E.1-1 of PS3.15 lists most of them
and lags behind PS3.6, so privxray treats those that it does not list alike. Tested in
tests/unit/test_deid_conformance.py.
"""

from __future__ import annotations

from typing import Final

from privxray.deid import tags

CLASS_UIDS: Final = frozenset(
    {
        tags.MEDIA_STORAGE_SOP_CLASS_UID,
        tags.SOP_CLASS_UID,
        tags.RELATED_GENERAL_SOP_CLASS_UID,
        tags.ORIGINAL_SPECIALIZED_SOP_CLASS_UID,
        tags.REFERENCED_SOP_CLASS_UID,
        tags.SOP_CLASSES_IN_STUDY,
        tags.SOP_CLASSES_SUPPORTED,
        tags.PERTINENT_SOP_CLASSES_IN_STUDY,
        tags.PERTINENT_SOP_CLASSES_IN_SERIES,
        tags.TRANSFER_SYNTAX_UID,
        tags.STORED_INSTANCE_TRANSFER_SYNTAX_UID,
        tags.AVAILABLE_TRANSFER_SYNTAX_UID,
        tags.FLOW_TRANSFER_SYNTAX_UID,
        tags.MAC_CALCULATION_TRANSFER_SYNTAX_UID,
        tags.ENCRYPTED_CONTENT_TRANSFER_SYNTAX_UID,
        tags.CODING_SCHEME_UID,
        tags.MAPPING_RESOURCE_UID,
        tags.CONTEXT_UID,
    }
)
"""The tags. A maker's own SOP class or coding scheme has a UID that is not the standard's; it stays, too."""
