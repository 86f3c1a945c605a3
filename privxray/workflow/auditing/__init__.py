"""Audits of the training that this installation has, on patients whom they cost nothing or on own ones.

* ``one_run_audit``, ``membership_audit`` and ``inversion_audit`` do one audit each, on ``audited_patients``
  that are invented or of a ``public_data_set``; all try a ``claim``.
* ``own_patients`` audits on a hospital's own patients, which is charged.
* ``one_run_outcome``, ``membership_outcome`` and ``inversion_outcome`` put what was found into words, figures
  and a page: an ``outcome``.
"""
