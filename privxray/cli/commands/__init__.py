"""The commands, each in the module of its name: ``budget`` is in ``budget_command``.

Those that take part in a study are in :mod:`privxray.cli.commands.study`. ``audit_commands``,
``extractor_commands`` and ``infer_commands`` hold a group each, whose commands are typed with two words, such
as ``infer ask``; infer's are in :mod:`privxray.cli.commands.infer`.
"""
