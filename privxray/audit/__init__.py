"""Attacks on privxray's own training, and what their outcome shows.

An audit can show that training leaks more than it claims. It can't show that it does not, for the attack may
just be weak. So each attack is tried on training that was broken on purpose (tests/unit/broken_engines.py),
and each result says what the attack could not have seen (``caveats``).

* ``conformance``: whether training does, number by number, what the proofs assume. It looks inside; the
  others attack from outside.
* One run: a lower bound on epsilon from a single training (Steinke, Nasr and Jagielski 2023). ``canaries``
  are planted in the data, of the kind that ``canary_kinds`` has for the method; ``guessing`` and
  ``bounds`` make a ``claim_test`` of the scores.
* ``membership``: who was trained on, by the loss (Yeom et al. 2018; Carlini et al. 2022).
* ``inversion``: the image behind an update (Geiping et al. 2020), tried on ``patient_updates``.

Nothing here draws from a statistical generator: coins, canaries and the starting points of searches come from
the source that noise comes from.
"""
