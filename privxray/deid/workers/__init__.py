"""Worker processes that survive what files do to them, for the check and for making copies."""
