"""Steps on images, and what computes their features, that need no study.

``deidentify_folder`` writes copies into one of the ``copies_folder``, with ``labels_of_copies`` beside them.
``search_pixels`` adds the search for text to a check, and ``compose_check_page`` makes its page.
``extractor_files`` keeps the feature extractors that a group of hospitals brings along.
"""
