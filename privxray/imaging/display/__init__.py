"""How an image file is shown in grey: ``dicom_file`` by the steps of ``grey_pipeline``, ``picture_file``.

``decoder_guards`` and ``limits`` say which files are refused; ``grey`` is what comes out.
"""
