"""Encrypted inference by files: a hospital's features stay under its own key, and the owner's head stays put.

``parameters`` and ``wire`` are arithmetic on bytes and numbers; ``headers``, ``sealing`` and ``admit`` are
the three files and the rules by which they are accepted. Only ``scheme``, ``client`` and ``evaluate`` import
TenSEAL (the extra ``privxray[inference]``), and a stranger's ciphertexts reach it in ``sandbox`` alone.
"""
