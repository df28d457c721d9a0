"""How well the normalise stage tells value words from others, and how fast it is.

Usage: python benchmarks/normalise_recall.py [VALUES_FREQUENCIES_CSV]

Recall is measured on a published list of value words with frequencies (columns ``value`` and
``pct_convos``), if a file with one is given; specificity on words and phrases written for this file:
plain nouns, nouns that end like the name of a quality, and phrases around a value word.

The plain nouns served for nothing but this measurement. The other two sets and the published list served
once in development, to choose which endings an unknown word may have and that a phrase needs a value
word as its head, so their figures are those of a development set. No word of any set was copied into the
vocabulary from it.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
import tomllib
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

from valuelex.domain.lexicon import Response
from valuelex.domain.study import NormalisePlan
from valuelex.stages.accept import accept
from valuelex.stages.families import Attested, WordRules
from valuelex.stages.normalise import form_key, normalise

N_RESPONSES = 100_000
WORDS_A_RESPONSE = 8

NOUNS = """
accordion anchor ankle apron aquarium asphalt attic avocado axe backpack balcony bamboo bandage barn barrel basin
basket bathtub battery beard bench billboard blanket blender bolt bookcase boot bracelet brick broom bucket buffalo
bulb butter button cabbage cactus calculator calendar camel canal candle canoe canvas carpet carrot cashew caterpillar
ceiling cello cement chalk charcoal cherry chimney chisel cigar cinnamon clarinet cliff cloak clove cobweb coconut
collar comb compass concrete copper cork cotton cradle crane crayon cricket crocodile crown cucumber curtain cushion
dagger dentist diaper dolphin donkey drawer drill drum duck dumpling elbow elevator envelope eraser escalator faucet
feather ferry fiddle firewood fireplace flute fountain fridge frog funnel garage garlic giraffe glove goat grape
gravel guacamole gutter hallway hamster handkerchief hedge helicopter helmet hinge honeycomb hose igloo ink jacket jar
jellyfish juggler kangaroo kettle keyboard kite ladder lantern lawn lemon lettuce lighthouse limestone lizard lobster
luggage magnet mango marble mattress mayor microwave mirror mitten monkey mosquito motorcycle mushroom napkin needle
nest noodle notebook oar oatmeal octopus onion oven owl paddle pajamas pancake parcel parrot peach peanut pebble
pedestrian penguin pepper piccolo pigeon pillow plumber pond porch postman pumpkin puppet quilt rabbit radish raft
raincoat raspberry receipt refrigerator ribbon rifle rooftop rug saddle sailor salmon sandal sandwich saucer scarf
scissors screwdriver seaweed shovel shrimp sidewalk skeleton sled slipper sock spaghetti spider sponge squirrel
staircase stapler statue stove strawberry submarine suitcase sunflower surgeon sweater syringe teapot tent thermometer
thumb tile toaster tractor trailer trampoline trumpet tunnel turtle umbrella vase vest volcano waitress wallet walrus
wardrobe wheelbarrow whistle windmill wrench yacht yogurt zebra zipper
apartment cemetery adverb cavern county decade district embassy fortnight headline inventory kilometer latitude
magazine monastery paragraph parliament peninsula province quarter railway region satellite semester spreadsheet
suburb syllabus terminal timetable username vehicle warehouse weekday laundry password receptionist tuesday
"""

LOOK_LIKE_QUALITIES = """
baroness deaconess varsity nativity tonality dimensionality conductivity humidity toxicity acidity radioactivity
viscosity obesity trinity botulism rheumatism astigmatism baptism embolism anachronism euphemism syllogism conveyance
ordnance remittance clearance turbulence pestilence presidency regency conspiracy candidacy amplitude starship flagship
gunship fiefdom earldom stardom eyeful bucketful fistful sleeveless strapless turntable collectable crucible mandible
bible beehive chive endive preservative sedative adhesive missive gaseous igneous porous
"""

PHRASES = """
kitchen table; red car; wooden chair; tennis court; chocolate cake; bus driver; science teacher; health insurance;
peace treaty; justice department; honest mechanic; music festival; love letter; freedom tower; trust fund; energy drink;
comfort food; beauty salon; power plant; knowledge base; learning center; safety helmet; security guard; faith healer;
fitness tracker; sports car; family dinner; art gallery; loyal customers; wise old man; fair trade coffee; post office;
blue sky; a cup of tea; the end of the day; new york; summer holiday; a list of words; two examples; my best friend
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("values", nargs="?", type=Path, help="CSV with columns value and pct_convos")
    path: Path | None = parser.parse_args().values
    rules = shipped_rules()
    report_rejected("concrete and generic nouns", NOUNS.split(), rules)
    report_rejected("nouns that end like a quality", LOOK_LIKE_QUALITIES.split(), rules)
    report_rejected("phrases that name no value", [p.strip() for p in PHRASES.split(";")], rules)
    seconds = time_normalise(rules)
    print(f"{'responses a second':41s} {N_RESPONSES / seconds:6,.0f}  ({N_RESPONSES:,} comma lists)")
    if path is None:
        print("Recall on published value words skipped: no file was given.")
        return
    with path.open(newline="", encoding="utf-8") as file:
        weights = {row["value"]: float(row["pct_convos"]) for row in csv.DictReader(file)}
    accepted = accepts(weights, rules)
    single = [word for word in weights if " " not in word.strip()]
    several = [word for word in weights if " " in word.strip()]
    for label, words in (("single words", single), ("of several words", several), ("all", list(weights))):
        found = [word for word in words if accepted[word]]
        weight = sum(weights[w] for w in found) / sum(weights[w] for w in words)
        share = len(found) / len(words)
        print(f"published value words, {label:20s} {share:6.1%}  of {len(words)}; by frequency {weight:.1%}")


def report_rejected(label: str, forms: Sequence[str], rules: WordRules) -> None:
    """Print the share of forms that did not become terms, and those that did."""
    accepted = accepts(forms, rules)
    passed = sorted(form for form in accepted if accepted[form])
    print(f"{label + ' rejected':43s} {1 - len(passed) / len(accepted):6.1%}  of {len(accepted)}")
    print(f"  accepted by mistake: {', '.join(passed) or 'none'}")


def shipped_rules() -> WordRules:
    """Read the word lists of the package."""
    folder = resources.files("valuelex.assets") / "lexicon"
    names = ("families", "words", "spelling")
    return WordRules.from_tables(*(tomllib.loads((folder / f"{n}.toml").read_text("utf-8")) for n in names))


def accepts(forms: Iterable[str], rules: WordRules) -> dict[str, bool]:
    """Tell for each form, alone in an answer of its own, whether it becomes a term."""
    nothing = Attested.of(())
    return {form: accept(form_key(form), rules, nothing).term is not None for form in forms}


def time_normalise(rules: WordRules) -> float:
    """Return the seconds that comma lists of vocabulary words and rare ones take."""
    rng = random.Random(7)
    words = sorted(rules.families)
    common = words[::3]
    responses = [
        Response(
            id=f"r{i}",
            respondent_id=f"m{i % 500}",
            prompt_id="p",
            draw=i // 500,
            text=" "
            + ", ".join(rng.choices(common, k=WORDS_A_RESPONSE))
            + rng.choice(("", ".", f", zorb{i % 997}")),
            missing=None,
            call_key=f"k{i}",
        )
        for i in range(N_RESPONSES)
    ]
    start = time.perf_counter()
    normalise(responses, rules, NormalisePlan(min_respondents=2, keep=(), drop=(), merge={}))
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
