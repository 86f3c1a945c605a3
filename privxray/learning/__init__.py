"""Training: two methods behind one interface (``methods``), their public constants, metrics, a reference.

torch is imported by ``dp_sgd`` and what it uses, when a study names that method. All noise comes from
``privacy``.
"""
