"""The standard's tables (PS3.15 Annex E) and the profiles made of them: what may become of an attribute."""
