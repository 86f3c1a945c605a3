"""What stands behind the csv of labels.

``row`` is one row, and ``label_rules`` what it must keep to. ``file_names`` finds the file that a cell
means, ``label_names`` the class. ``patient_places`` and ``patient_sources`` hold one patient together: one
split, one site, and sources that agree. ``problems`` gathers what is wrong, so that one run tells all of it.
"""
