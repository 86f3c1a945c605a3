"""Is this file de-identified? A read-only, offline check against DICOM PS3.15 Annex E.

``table`` holds the standard's table, ``profile`` which options are taken, ``rules`` what is a finding and how
grave. ``walker`` reads ``elements`` out of bytes; ``judge`` says what an action makes of a value,
``writing`` how it may be written; ``scan`` applies both to one DICOM file, ``pictures`` to JPEG and PNG.
``leaks`` searches for what names a patient, ``cohort`` compares files. ``naming`` decides what a file may
be called in public, ``selection`` which files are images. ``check`` puts all together for files and folders
(``wholeset``, in processes of ``pool`` that run ``worker``). A finding never carries a value: only fixed
texts, tags and the table's own names.

And the other way round, the copy that is: ``tree`` holds a data set's raw elements, ``clean`` applies a
profile to it, ``blacking`` looks for text in ``pixels`` (``strip`` is for JPEG and PNG), ``pseudonyms`` and
``dates`` say what stands for the original, ``mending`` lets the check judge the result, ``deidentify`` puts
all together for one file, ``batch`` writes it, and ``manifest`` remembers it.
"""
