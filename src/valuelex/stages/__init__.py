"""Verbs: pure functions, one file an arrow."""
