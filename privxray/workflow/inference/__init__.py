"""Encrypted inference over a workspace: offer, ask, answer, read."""
