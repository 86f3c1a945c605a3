"""Vectors of integers modulo 2**64 or 2**32: made, masked, and added up."""
