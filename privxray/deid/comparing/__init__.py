"""Comparing copies that any tool has made with their originals: ``check COPIES --against ORIGINALS``.

``file_traits`` reads from a file what helps to find it again and what a copy must not have kept. In
``originals`` is this for all originals; it finds the one that a copy was made from. ``crosswalk`` reads a csv
that says whose copy is whose. ``compared_file`` gives the findings about one copy, and ``document_text`` the
text of documents in it. docs/adr/0124 says how far each step can be trusted.
"""
