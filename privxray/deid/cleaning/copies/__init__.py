"""Copies in a folder: ``copy_file`` makes one, ``copy_worker`` many in a process of its own.

``read_ahead`` reads what has to be known of all files before the first is copied, and ``manifest`` keeps the
book on what became of each.
"""
