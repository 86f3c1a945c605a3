"""The checked data set of a hospital, which :mod:`.dataset` describes."""
