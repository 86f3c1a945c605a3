"""Who takes the place of a key that is gone: recovery keys, candidates, votes (SPEC-2, section 10)."""
