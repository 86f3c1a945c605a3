"""Bytes, and only bytes: the container that every travelling file uses, its header, and tensors.

Nothing in here opens a file by its name, asks the clock, or knows whose a key is. So each rule can be tested
from bytes to result. docs/SPEC.md describes the same format for other implementations.
"""
