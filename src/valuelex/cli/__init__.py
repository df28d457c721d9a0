"""The command line."""

from valuelex.cli.main import app, main

__all__ = ["app", "main"]
