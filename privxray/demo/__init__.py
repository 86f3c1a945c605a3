"""A whole study on one machine, through the same commands and files that separate parties use.

The demo types the commands and carries the files between the workspaces. In the end it looks into all
workspaces to score the result, which no party of a real study could do.
"""
