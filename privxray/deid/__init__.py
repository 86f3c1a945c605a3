"""Is this file de-identified? And if not: a copy that is. By DICOM PS3.15 Annex E, read-only and offline.

``profile`` says what may become of each attribute, and ``values`` what the form of a value tells.
``dicomfile`` reads elements out of bytes that nobody trusts. ``judging`` applies the rules in ``findings`` to
files and to whole sets. ``pixels`` gives frames and blacks boxes in them, and its folder ``text`` finds text.
``cleaning`` makes copies, and lets the check judge each before it is written. ``tags`` names the data
elements, and ``workers`` runs processes that survive what files do to them.

A finding never carries a value: only fixed texts, tags and the standard's own names.
"""
