"""Where images come from: a folder, the index of a medium (DICOMDIR), or a zip, and zips in any of these.

``check``, ``deidentify`` and ``ingest`` read nothing but files of the class
:class:`~privxray.deid.sources.source_file.SourceFile`. What a person types becomes such files in
:func:`~privxray.deid.sources.selection.select`. docs/adr/0116 says why nothing is unpacked.
"""
