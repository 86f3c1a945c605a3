"""From files of images to what a model learns from.

``decode`` turns one file into one grey image, ``labels`` reads the csv, ``ingest`` lets checked files into
the ``dataset``, and ``features`` computes the frozen features that ``featurestore`` keeps. torch is imported
by ``features`` and ``efficientnet_lite`` alone, pydicom by ``dicom`` alone.
"""
