"""Training: two methods behind one interface.

* ``interface``: what a method is. ``methods`` finds one by its name. ``constants``: their public constants.
* ``linear_probe`` and ``dp_sgd``: the two methods. Only ``dp_sgd`` imports torch, and it is imported only
  when a study names that method.
* ``data``: what they train on. ``averaging``: how their results become one model. ``metrics``: how good it
  is.
* ``reference``: a model without privacy, for comparison; no study has it.

All noise comes from ``privacy``.
"""
