"""Looking at pictures before anything learns from them.

``one_picture`` judges an image by itself, with ``header_facts``, and may refuse it. ``set_of_pictures``
compares images of different patients: what it finds is a remark, or stops the whole run, and never leaves one
image out. Otherwise one patient's presence would decide about the image of another, and the guarantee holds
for patients one by one (docs/PITFALLS.md).
"""
