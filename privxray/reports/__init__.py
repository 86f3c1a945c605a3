"""What is written for people about a check and about an audit: pages to look at, print and sign, and a csv.

They name files by public names. They hold no value of a file, and no text that was read in pixels, whatever
was typed. The page of a check has small pictures of flagged images, which are patients' data: it stays in the
hospital.
"""
