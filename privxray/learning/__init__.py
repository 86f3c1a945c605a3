"""Training: two methods behind one interface (``methods``), their public constants, metrics, a reference.

torch is imported by ``dp_sgd`` and ``small_cnn`` alone, when a study uses them. All noise comes from
``privacy``.
"""
