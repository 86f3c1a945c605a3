"""The check: files and sets of files against a profile.

How a rule is worded stands in ``findings/rules.toml``; here is where each is judged. A rule on one attribute:
:mod:`~privxray.deid.judging.element_judge` (by its action),
:mod:`~privxray.deid.judging.value_representation` (by how it is written) or
:mod:`~privxray.deid.judging.content_items` (in a structured report). On a whole file:
:mod:`~privxray.deid.judging.claims` (what it says of itself), :mod:`~privxray.deid.judging.dicom_scan` (its
parts) or :mod:`~privxray.deid.judging.picture_scan` (JPEG and PNG). On a set:
:mod:`~privxray.deid.judging.set_relations` or :mod:`~privxray.deid.judging.leaks`. Entry point:
:mod:`~privxray.deid.judging.check`.
"""
