"""The commands of a study, from ``init`` to ``predict``, each in the module of its name."""
