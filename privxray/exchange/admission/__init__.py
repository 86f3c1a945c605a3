"""The rules by which travelling files are accepted, without files, clock or network."""
