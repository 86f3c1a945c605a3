"""The white-box conformance audit: training does, number by number, what the proofs assume.

The attacks beside this folder see a training from outside. This audit looks inside. It trains, computes every
exact query a second time with code of its own, and takes it from the noisy answer. What is left has to be
independent Gaussian noise of the deviation that the ledger was charged for, and the vector that leaves has to
follow from the noisy answers alone.

* ``awkward_patients``: whom it trains on: several images a patient, and features that tempt a clip to fail.
* ``noise_tape``: a source that writes down what the engine draws.
* ``probe_recomputed`` and ``sgd_recomputed``: the second computation, ``recomputed`` what it gives.
* ``noise_tests``: the statistics, each with a p-value that holds for any number of values.
* ``residual_tests``: which of them are made of what is left.
* ``verdict``: all tests of one audit, under one error rate.

Nothing here imports the engine that it looks at, but for the form of the network
(tests/unit/test_audit_conformance.py reads the imports).
"""
