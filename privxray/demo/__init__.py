"""A whole study on one machine, through the same commands and files that separate parties use.

The demo sits above the commands: it types them, carries the files between the workspaces, and, unlike any
party of a real study, looks into all of them at the end to score what came out.
"""
