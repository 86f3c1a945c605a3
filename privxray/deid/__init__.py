"""Is this file de-identified? A read-only, offline check against DICOM PS3.15 Annex E.

``table`` holds the standard's table, ``rules`` says what is a finding and how grave, ``elements`` reads
data elements out of bytes, ``scan`` applies the rules to one DICOM file, ``pictures`` does the same for
JPEG and PNG, ``naming`` decides what a file may be called in public, and ``check`` puts them together for
files and folders. A finding never carries a value: only fixed texts, tags and the table's own names.
"""
