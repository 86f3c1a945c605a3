"""What stands behind the csv of labels.

``table_file`` and ``spreadsheet`` read the cells. ``row`` is one row, and ``label_rules`` what it must keep
to. ``file_names`` finds the file that a cell means, ``label_names`` the class, and ``patient_traits`` what is
kept of a patient's sex, age and groups. ``patient_places``, ``patient_sources`` and ``file_sources`` hold one
patient together: one split, one site, and sources that agree. ``problems`` gathers what is wrong, so that one
run tells all of it.
"""
