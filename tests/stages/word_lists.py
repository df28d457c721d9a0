"""The shipped word lists, read as the package reads them."""

import tomllib
from functools import cache
from importlib import resources

from valuelex.stages.families import WordRules


@cache
def shipped_rules() -> WordRules:
    folder = resources.files("valuelex.assets") / "lexicon"
    tables = [
        tomllib.loads((folder / f"{name}.toml").read_text("utf-8"))
        for name in ("families", "words", "spelling")
    ]
    return WordRules.from_tables(*tables)
