"""Profiles: what may become of each attribute, by the tables of PS3.15 Annex E and a site's own decisions."""
