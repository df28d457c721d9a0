"""Nouns: frozen types whose shapes are checked on construction."""
