"""``deidentify``: copies by the rules of the check, each checked before it is written.

``deidentify`` takes the bytes of one file and gives those of its copy: a DICOM file by ``deidentify_dicom``,
JPEG and PNG by ``strip_pictures``. The folder ``elements`` has what becomes of data elements, ``black_text``
what becomes of text in the pixels. ``declare_method`` says in the copy what was done, ``verify_copy`` lets
the check judge it. The folder ``copies`` writes copies into a folder and keeps the book on them.
"""
