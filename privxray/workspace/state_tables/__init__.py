"""The tables of ``state.db``, a module for each group; :mod:`privxray.workspace.state` is all of them."""
