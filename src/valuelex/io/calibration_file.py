"""The result files of a calibration: everything as JSON, the figures as one long table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from valuelex.domain.labels import Calibration, Estimate
from valuelex.io.files import plain, write_csv, write_json

COLUMNS = ("target", "quantity", "level", "n", "value", "ci_low", "ci_high")
Line = tuple[str, str, str, int, float | None, float | None, float | None]


def write_calibration(folder: Path, calibration: Calibration) -> None:
    """Write calibration.json and calibration.csv.

    In the table `n` counts labels with a rating; for shares that are missing, all labels of that level.
    """
    write_json(folder / "calibration.json", "valuelex/calibration/1", plain(calibration))
    write_csv(folder / "calibration.csv", COLUMNS, _lines(calibration))


def _lines(calibration: Calibration) -> Iterator[Line]:
    for target in calibration.targets:
        n_missing = sum(sum(reasons.values()) for reasons in target.n_missing.values())
        for name in ("auc", "correlation", "kappa", "alpha"):
            yield _line(target.target, name, "", target.n_texts - n_missing, getattr(target, name))
        for label, reasons in target.n_missing.items():
            for reason, n in reasons.items():
                share = n / target.n_labels[label]
                yield (target.target, f"missing {reason}", label, target.n_labels[label], share, None, None)
    for ceiling in calibration.ceilings:
        yield (ceiling.target, "ceiling share equal", "", ceiling.n_texts, ceiling.share_equal, None, None)
        yield _line(ceiling.target, "ceiling kappa", "", ceiling.n_texts, ceiling.kappa)
        yield _line(ceiling.target, "ceiling alpha", "", ceiling.n_texts, ceiling.alpha)
    for bias in calibration.biases:
        yield _line(bias.target, f"bias by {bias.by}", bias.level, bias.n_ratings, bias.estimate)


def _line(target: str, quantity: str, level: str, n: int, estimate: Estimate | None) -> Line:
    if estimate is None:
        return (target, quantity, level, n, None, None, None)
    return (target, quantity, level, n, estimate.value, estimate.low, estimate.high)
