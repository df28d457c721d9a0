"""Bradley-Terry abilities and position effects against R, BradleyTerry2 and brglm2 (oracles/paired.R)."""

from typing import Any

from oracle import Comparison, Comparisons, load
from valuelex.stats.paired_comparison import PairedComparison, paired_comparison


def comparisons() -> Comparisons:
    """Estimates to 1e-8, brglm2's to 1e-7: its iteration ends sooner."""
    oracle = load("paired")
    theirs = {
        "firth": ("jeffreys", "R glm on adjusted outcomes", 1e-8),
        "brglm2": ("jeffreys", f"brglm2 {oracle['brglm2']}", 1e-7),
        "plain": ("likelihood", "R glm", 1e-8),
        "bt": ("likelihood", f"BradleyTerry2 {oracle['BradleyTerry2']}", 1e-8),
    }
    for case, entry in oracle["sets"].items():
        for name, (method, software, tolerance) in theirs.items():
            if name in entry:
                yield from _compare(case, software, fit(entry, method), entry[name], tolerance)
        if "quasi" in entry:
            yield from _dispersed(case, entry)


def fit(entry: Any, method: str, **more: Any) -> PairedComparison:
    names = [str(i) for i in range(entry["n"])]
    return paired_comparison(
        entry["first"], entry["second"], entry["wins"], objects=names, method=method, **more
    )


def _compare(case: str, software: str, found: PairedComparison, theirs: Any, tolerance: float) -> Comparisons:
    yield Comparison(
        "Bradley-Terry abilities", case, software, found.abilities, theirs["abilities"], tolerance
    )
    yield Comparison(
        "Bradley-Terry covariance", case, software, found.covariance, theirs["covariance"], 10 * tolerance
    )
    ours = [found.position, found.position_error]
    yield Comparison(
        "Bradley-Terry position effect",
        case,
        software,
        ours,
        [theirs["position"], theirs["error"]],
        tolerance,
    )


def _dispersed(case: str, entry: Any) -> Comparisons:
    """Variances are raised by R's dispersion, or stay as they are where that is below 1."""
    cells = [100 * a + b for a, b in zip(entry["first"], entry["second"], strict=True)]
    found = fit(entry, "likelihood", groups=cells)
    theirs = entry["quasi"]
    dispersion = max(1.0, theirs["dispersion"])
    yield Comparison("Bradley-Terry dispersion", case, "R quasibinomial", found.dispersion, dispersion, 1e-6)
    scale = dispersion / theirs["dispersion"]
    covariance = [[scale * cell for cell in row] for row in theirs["covariance"]]
    yield Comparison(
        "Bradley-Terry covariance",
        f"{case}, dispersed",
        "R quasibinomial",
        found.covariance,
        covariance,
        1e-7,
    )
