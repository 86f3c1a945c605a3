"""Findings: how each rule is worded, and what a check hands back. Nothing is judged here.

To word a rule, edit ``rules.toml``. To add one, also name it in :mod:`~privxray.deid.findings.rules`, and say
in :mod:`privxray.deid.judging` when it is broken; the docstring there tells which module judges what.
"""
