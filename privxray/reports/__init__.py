"""What is written of a check for people: a csv, and one page to look at, print and sign.

Both name files in public names and hold no value of a file, and no text that was read in pixels, whatever was
typed. The page has small pictures of flagged images, which are patients' data: it stays in the hospital.
"""
