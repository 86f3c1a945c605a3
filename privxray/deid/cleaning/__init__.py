"""``deidentify``: copies by the same rules, each checked before it is written."""
