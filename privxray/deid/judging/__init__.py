"""The check: files and sets of files against a profile, in worker processes."""
