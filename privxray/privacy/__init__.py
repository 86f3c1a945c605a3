"""Differential privacy, a module a concept. The unit is the patient, adjacency is add-or-remove-one-patient.

``events`` says what a mechanism did, ``losses`` and ``accountant`` what it costs, ``guarantee`` what a
patient is promised, ``ledger`` what a hospital has spent in its lifetime, ``affordable`` what is left of it;
``noise`` and ``sampling`` are the randomness that the guarantee rests on, ``mechanism`` ties both to what is
charged, ``clipping`` is where sensitivities come from, ``releases`` keeps every noisy answer so that a crash
never draws it again.

Nothing in here imports torch, and scipy (slow to import) is loaded when an epsilon is computed.
"""
