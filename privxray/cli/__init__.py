"""What a person types. One module a group of commands, each a thin layer over :mod:`privxray.workflow`.

Modules here import nothing heavy at their top, so that ``privxray --help`` and ``status`` start at once.
"""
