"""Differential privacy, one module for each concept.

The unit is the patient; neighbouring data sets differ by one patient who is there or not. docs/CLAIMS.md says
what of this is proved, by which theorem, and what is only tested: that noise is Gaussian is tested.

* ``guarantee``: epsilon with its delta and adjacency, and which of them may be asked for.
* ``events``: what a mechanism did. ``loss_distributions`` and ``accountant``: what that costs.
* ``ledger`` and ``ledger_chain``: what a hospital has spent in its lifetime. ``affordable``: what is left.
* ``noise`` and ``sampling``: the randomness that the guarantee rests on.
* ``mechanism``: sampling, noise and what is charged for them, as one object.
* ``clipping``: where sensitivities come from.
* ``releases``: keeps each noisy answer, so that a crash never makes a hospital draw and pay for it again.

Nothing here imports torch. scipy is slow to import, so it is loaded when an epsilon is computed.
"""
