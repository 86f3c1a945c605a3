"""What becomes of the data elements of a file (PS3.15 Table E.1-1).

``clean_elements`` goes through a data set and decides by the profile, and ``clean_values`` carries out what
changes one value: ``pseudonyms`` gives new names and UIDs, ``shift_dates`` moves dates,
``replacement_values`` gives dummies, ``descriptors`` says which descriptions may stay. ``structured_content``
knows the content items of reports. ``patient_values`` collects the values that identify a patient, and
``value_search`` looks for them in what is to be kept.
"""
