"""The folder that a party works in: found, locked, written to atomically, and what it remembers."""
