"""Steps on folders of images that need no study.

``deidentify_folder`` writes copies into one of the ``copies_folder``, with ``labels_of_copies`` beside them.
``search_pixels`` adds the search for text to a check, and ``compose_check_page`` makes its page.
"""
