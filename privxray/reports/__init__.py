"""What is written for people: pages to look at, print and sign, and a csv.

They are of a check, an ingest, an audit, an evaluation, a release, a training, a study and its privacy. They
name files by public names. They hold no value of a file, and no text that was read in pixels, whatever was
typed. The pages of a check, an ingest and a training have pictures of patients, and stay in the hospital.
"""
