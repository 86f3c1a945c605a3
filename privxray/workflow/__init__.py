"""The steps of a study over a workspace: what each command does, without its printing.

Each function takes a :class:`~privxray.workspace.folder.Workspace` and whatever a person would have typed,
changes the workspace so that a crash at any instruction is survived by calling it again, and returns what
happened. The commands are a thin layer over them, and so is :mod:`privxray.api`, the front door for programs.
"""
