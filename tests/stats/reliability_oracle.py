"""Alpha, omega and intraclass correlations against psych (oracles/reliability.R)."""

import numpy as np

from oracle import Comparison, Comparisons, load
from valuelex.stats.congruence import align_loadings
from valuelex.stats.icc import intraclass_correlations
from valuelex.stats.omega import omega
from valuelex.stats.reliability import cronbach_alpha

PSYCH = "psych 2.2.9"


def comparisons() -> Comparisons:
    """Closed forms to 1e-9, omega to 1e-5: R stops its search for factors there."""
    oracle = load("reliability")
    for case, entry in oracle["alpha"].items():
        yield from alphas(case, entry)
    for case, entry in oracle["omega"].items():
        yield from omegas(case, entry)
    for case, entry in oracle["icc"].items():
        yield from iccs(case, entry)


def alphas(case: str, entry: dict) -> Comparisons:
    found = cronbach_alpha(entry["x"])
    alpha = [found.raw, found.standardised, found.mean_correlation]
    yield Comparison(
        "Cronbach's alpha", case, PSYCH, alpha, [entry[k] for k in ("raw", "std", "mean_r")], 1e-9
    )
    yield Comparison("alpha, standard error", case, PSYCH, found.standard_error, entry["ase"], 1e-9)
    yield Comparison("alpha, Feldt interval", case, PSYCH, found.feldt, entry["feldt"], 1e-8)
    yield Comparison("Guttman's lambda 6", case, PSYCH, found.lambda6, entry["g6"], 1e-9)
    if entry["drop"]:
        ours = [found.raw_if_dropped, found.standardised_if_dropped]
        theirs = [entry["drop"]["raw"], entry["drop"]["std"]]
        yield Comparison("alpha if dropped", case, PSYCH, ours, theirs, 1e-9)
    ours = [found.item_total, found.item_rest, found.item_corrected]
    theirs = [entry[k] for k in ("raw_r", "r_drop", "r_cor")]
    yield Comparison("item-total correlations", case, PSYCH, ours, theirs, 1e-9)


def omegas(case: str, entry: dict) -> Comparisons:
    k = entry["k"]
    method = "ml" if case.endswith("ml") else "minres"
    found = omega(entry["r"], k, method=method, keys=entry.get("given"))
    tolerance = 5e-5 if method == "ml" else 1e-5
    ours = [found.hierarchical, found.total, found.limit, found.common_variance]
    theirs = [entry[name] for name in ("h", "t", "limit", "ecv")]
    yield Comparison("omega", case, PSYCH, ours, theirs, tolerance)
    shared = [found.alpha, found.lambda6]
    yield Comparison(
        "omega, its alpha and lambda 6", case, PSYCH, shared, [entry["alpha"], entry["g6"]], 1e-9
    )
    table = np.array(entry["sl"])
    turn = np.sign(table[:, 0].sum()) * np.sign(found.general.sum())
    general = found.general * turn
    yield Comparison("omega, general loadings", case, PSYCH, general, table[:, 0], 5 * tolerance)
    yield Comparison("omega, communalities", case, PSYCH, found.communalities, entry["h2"], 5 * tolerance)
    if "given" not in entry:
        yield Comparison("omega, keys", case, PSYCH, found.keys, entry["key"], 0.5)
    if k == 1:
        return
    alignment = align_loadings(found.group, table[:, 1:])
    yield Comparison("omega, group loadings", case, PSYCH, alignment.loadings, table[:, 1:], 5 * tolerance)
    subscales = found.subscales[alignment.order]
    theirs = np.array(entry["group"], dtype=float)[1:]
    yield Comparison("omega of group factors", case, PSYCH, subscales, theirs, 5 * tolerance)


def iccs(case: str, entry: dict) -> Comparisons:
    found = intraclass_correlations(entry["x"], level=entry["level"])
    yield Comparison("ICC, six forms", case, PSYCH, found.estimate, entry["estimate"], 1e-8)
    tests = [found.df_between, found.df_error, found.p_value]
    yield Comparison("ICC, F test", case, PSYCH, tests, [entry[k] for k in ("df1", "df2", "p")], 1e-8)
    yield Comparison("ICC, F", case, PSYCH, found.f_ratio / entry["f"], np.ones(6), 1e-8)
    yield Comparison(
        "ICC, intervals", case, PSYCH, [found.low, found.high], [entry["low"], entry["high"]], 1e-8
    )
