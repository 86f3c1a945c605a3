"""Files that came: what lies in a drop folder, whose it is, and the command that takes it.

:mod:`privxray.workspace.drop_folder` says which files of a folder are looked at. ``judge`` reads the signed
start of one, never its body, and judges its signature. ``standing`` says whether the workspace knows it
already and, if not, what to type: ``of_studies`` and ``of_parties`` have a function for each kind. ``unread``
is what ``status`` shows; ``watching`` what ``status --watch`` does.
"""
