"""Commitments to vectors: what each hospital put into the sum, fixed before anybody sees the sum."""

MAX_COMMITTED = 1 << 18
"""Numbers of the longest vector that a plan may ask commitments for: some 20 s a commitment."""
