"""Value terms in recorded texts: what they show on two public sets, and how often the verdict is right.

First the controls, by simulation: texts whose words depend on topics and styles alone must seldom count as a value
system, and planted groups must be found. Then, where the data is, the outputs of 15 models to 1,024 WildBench tasks
and of 10 models to the Political Compass propositions, by the command line: import and run. Last, made-up texts for
time and memory. Run: benchmarks/observed_terms.py [DATA] [SEEDS] [TEXTS]
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse
from threadpoolctl import threadpool_limits

from valuelex.domain.observed import ObservedText
from valuelex.stages.observe import Matcher, TextCounts
from valuelex.stages.observed_structure import TextSources, compare_structure

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
SEEDS, TEXTS, N_NULL = 20, 100_000, 19
FAMILIES = ("llama-3-8b", "gemma", "reka", "qwen1.5", "phi-3", "llama-2", "gpt-3.5", "gpt-4")
SETS: dict[str, tuple[str, str, str, str]] = {
    "WildBench, 15 models": ("wildbench_datasource/outputs.jsonl.gz", "session_id", "output", ""),
    "Political Compass, 10 models": (
        "llm_values_pct/completions.jsonl.gz",
        "{experiment}/{templ_id}/{pct_id}/{ans_id}/{jail_id}",
        "completion",
        "prompt",
    ),
}


def simulated(seed: int, within: float, between: float) -> tuple[float, float]:
    """P-values of both levels for 12 respondents, 60 items, 24 terms in 4 groups and 240 ordinary words."""
    rng = np.random.default_rng(seed)
    m, t, p, q, k = 12, 60, 24, 240, 4
    of_topic, of_style = 0.6 * rng.normal(size=(t, p + q)), 0.3 * rng.normal(size=(m, p + q))
    leaning = between * rng.normal(size=(m, k))
    texts, rows = [], []
    for who in range(m):
        for item in range(t):
            use = of_topic[item] + of_style[who]
            use[:p] += (leaning[who] + within * rng.normal(size=k))[np.arange(p) % k]
            rows.append(rng.poisson(0.25 * np.exp(use)))
            texts.append(ObservedText(f"{who}:{item}", f"r{who}", f"i{item}", 0, None, 200, 0, ""))
    counts = np.array(rows, dtype=float)
    sources = TextSources.of(texts, [SimpleNamespace(id=f"r{i}", family=f"f{i}") for i in range(m)])
    terms = TextCounts(tuple(f"t{i:02d}" for i in range(p)), sparse.csr_array(counts[:, :p]))
    words = TextCounts(tuple(f"w{i:03d}" for i in range(q)), sparse.csr_array(counts[:, p:]))
    matcher = Matcher(terms, [True] * p, words, dict.fromkeys(words.columns, True))
    found = compare_structure(terms, matcher, sources, rng, n_null=N_NULL)
    return found.levels[0].p, found.levels[1].p


def controls(n_seeds: int) -> None:
    """Print how often each level passes at .05."""
    print(f"\nSimulated, {n_seeds} seeds each, {N_NULL} sets of ordinary words; share of seeds with p <= .05")
    print(f"{'planted':<34}{'between':>9}{'within':>9}")
    for name, within, between in (
        ("nothing but topics and styles", 0.0, 0.0),
        ("groups within texts, sd .6", 0.6, 0.0),
        ("groups within texts, sd 1", 1.0, 0.0),
        ("groups between respondents, sd .4", 0.0, 0.4),
        ("groups between respondents, sd .8", 0.0, 0.8),
    ):
        with threadpool_limits(1, user_api="openmp"):
            p = np.array([simulated(seed, within, between) for seed in range(n_seeds)])
        shares = (p <= 0.05).mean(axis=0)
        print(f"{name:<34}{shares[0]:>9.2f}{shares[1]:>9.2f}", flush=True)


def family_of(model: str) -> str:
    """Family of a model: its base model's, which zephyr shares with Mistral."""
    low = model.lower()
    if "zephyr" in low or "mistral" in low:
        return "mistral-7b"
    return next((f for f in FAMILIES if f in low), low)


def valuelex(*args: str) -> tuple[float, float, str]:
    """Run the command line; return seconds, peak megabytes and what it printed."""
    asked = [sys.executable, "-m", "valuelex", *args]
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(asked, stdout=told, stderr=subprocess.STDOUT)
        _, code, usage = os.wait4(process.pid, 0)
        told.seek(0)
        output = told.read()
    # An import ends with 1 where rows were bad, and counts them.
    has_bad_rows = args[0] == "import" and os.waitstatus_to_exitcode(code) == 1 and "rows =" in output
    if code and not has_bad_rows:
        sys.exit(output)
    return time.monotonic() - began, usage.ru_maxrss / 1024, output


def study_of(folder: Path, models: list[str], families: Mapping[str, str]) -> None:
    """Write a study that observes."""
    listed = "".join(
        f"[[respondents]]\nmodel = {json.dumps('recorded/' + m)}\nlabel = {json.dumps(m)}\n"
        f"family = {json.dumps(families[m])}\n"
        for m in models
    )
    (folder / "study.toml").write_text(
        f'[study]\nname = "observed"\nseed = 1\n[elicit]\nmode = "observe"\n{listed}'
    )


def observe(name: str, file: Path, item: str, text: str, prompt: str) -> None:
    """Import a set, run the study and print its figures."""
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        models = sorted({json.loads(line)["model"] for line in stream})
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        study_of(folder, models, {m: family_of(m) for m in models})
        mapped = {"respondent": "model", "item": item, "text": text} | ({"prompt": prompt} if prompt else {})
        maps = [part for field, column in mapped.items() for part in ("--map", f"{field}={column}")]
        valuelex("import", place, str(file), "--stage", "observe", *maps)
        seconds, peak, _ = valuelex("run", place, "--yes")
        report(name, folder, seconds, peak)


def report(name: str, folder: Path, seconds: float, peak: float) -> None:
    """Print the figures of a study."""
    found = json.loads((folder / "observed.json").read_text())
    texts = pl.read_parquet(folder / "observed_texts.parquet")
    missing = texts.drop_nulls("missing").group_by("missing").len().sort("missing").rows()
    terms = len(json.loads((folder / "lexicon.json").read_text())["terms"])
    told = ", ".join(f"{n:,} {reason}" for reason, n in missing) or "none"
    print(f"\n{name}: {found['n_texts']:,} texts (missing: {told}), {found['n_words']:,} words")
    print(
        f"  {texts['n_mentions'].sum():,} mentions; {terms} terms in the structure; {seconds:.0f} s, {peak:.0f} MB"
    )
    for level in found["levels"]:
        print(
            f"  {level['level']:<8}{level['expectation']:<11}{level['strength']:9.3f} in {level['n_groups']} groups",
            end="",
        )
        low, middle, high = np.quantile(level["null"] or [np.nan], [0.025, 0.5, 0.975])
        print(
            f"; ordinary {middle:.3f} ({low:.3f} to {high:.3f}), p = {level['p']:.2f}"
            if level["null"]
            else ""
        )
    varied, topic = found["variation"], found["topic"]
    ordinary = np.median(varied["null"])
    print(f"  variation of rates {varied['between']:.4f}; ordinary {ordinary:.4f}, p = {varied['p']:.2f}")
    print(
        f"  association in groups: item {topic['share_item']:.0%}, respondent {topic['share_respondent']:.0%}"
    )
    for sentence in found["verdict"]:
        print(f"  {sentence}")
    rates = pl.read_csv(folder / "observed_rates.csv").filter(pl.col("term").fill_null("") == "")
    print(f"    {'':<30}{'for 1,000 words':>24}{'against others':>16}")
    for row in rates.sort("standardised", descending=True).iter_rows(named=True):
        rate = f"{row['rate']:.1f} [{row['ci_low']:.1f}, {row['ci_high']:.1f}]"
        print(f"    {row['respondent_id']:<30}{rate:>24}{row['standardised']:>16.2f}")


def made_up(n: int) -> Iterator[dict[str, Any]]:
    """Texts of 120 words by 50 respondents, the same at every run."""
    rng = np.random.default_rng(7)
    value = [
        "honesty",
        "courage",
        "compassion",
        "wisdom",
        "justice",
        "freedom",
        "loyalty",
        "humility",
        "curiosity",
    ]
    value += [
        "creativity",
        "equality",
        "privacy",
        "tradition",
        "generosity",
        "dignity",
        "empathy",
        "tolerance",
    ]
    words = np.array(
        value + [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("lar", "net", "dum", "vik")]
    )
    share = 1 / np.arange(5, 5 + len(words))
    share = rng.permutation(share / share.sum())
    for i in range(n):
        yield {
            "model": f"m{i % 50}",
            "id": f"i{i // 50}",
            "text": " ".join(rng.choice(words, size=120, p=share)),
        }


def scale(n: int) -> None:
    """Print time and peak memory by number of texts, up to the counts and with the structure."""
    print(f"\nMade-up texts of 120 words\n{'texts':>10}{'counts, s':>12}{'MB':>7}{'all, s':>9}{'MB':>7}")
    for size in (n // 4, n):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            models = [f"m{i}" for i in range(50)]
            study_of(folder, models, {m: m for m in models})
            file = folder / "texts.jsonl"
            with file.open("w") as stream:
                stream.writelines(json.dumps(row) + "\n" for row in made_up(size))
            maps = ("--map", "respondent=model", "--map", "item=id", "--map", "text=text")
            valuelex("import", place, str(file), "--stage", "observe", *maps)
            counted = valuelex("run", place, "--yes", "--until", "elicit")
            whole = valuelex("run", place, "--yes", "--until", "construct")
            print(
                f"{size:>10,}{counted[0]:>12.1f}{counted[1]:>7.0f}{whole[0]:>9.1f}{whole[1]:>7.0f}",
                flush=True,
            )


def main() -> None:
    """Run the controls, the public sets and the scale."""
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    n_seeds = int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS
    n_texts = int(sys.argv[3]) if len(sys.argv) > 3 else TEXTS
    if n_seeds:
        controls(n_seeds)
    for name, (file, *columns) in SETS.items():
        if (data / file).exists():
            observe(name, data / file, *columns)
        else:
            print(f"\n{name}: skipped, {data / file} is not there")
    if n_texts:
        scale(n_texts)


if __name__ == "__main__":
    main()
