"""From files of images to what a model learns from.

1. ``labels`` reads the csv, by the rules in the folder ``labelling``.
2. ``decode`` turns one file into one grey image; the folder ``display`` has the steps. ``planes`` gives
   everything that the pixels of a file can show, for the search for text.
3. ``ingest`` takes checked images into the data set (the folder ``data_set``); each has one of the
   ``index_rows``.
   ``comparison`` holds them against what is there, and the folder ``judging`` looks at each picture.
4. ``features`` computes frozen features by the networks in the folder ``extractors``, and ``split_arrays``
   gives one split of the data set as arrays.

torch is imported in ``extractors`` alone, where onnxruntime does not do, and pydicom by ``planes`` and, in
``display``, by ``dicom_file``, ``grey_pipeline`` and ``decoder_guards``.
"""
