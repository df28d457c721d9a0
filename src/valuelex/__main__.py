"""Run the command line as ``python -m valuelex``."""

from valuelex.cli import main

main()
