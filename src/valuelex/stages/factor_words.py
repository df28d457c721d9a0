"""Say in words how the factor-analytic route and the groups agree.

Owns the thresholds and the wording; every figure is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from valuelex.domain.factors import Agreement, FactorMatch
from valuelex.domain.wording import count

EQUAL, FAIR = 0.95, 0.85
"""Tucker's congruence from which a factor and a group count as equal, and as fairly alike (Lorenzo-Seva & ten Berge
2006)."""
EXCELLENT, GOOD, MODERATE = 0.9, 0.8, 0.65
"""Adjusted Rand indices from which two partitions agree that well (Steinley 2004)."""
ALPHA = 0.05


def degree(agreement: Agreement) -> str:
    """Say how well two partitions agree."""
    if agreement.adjusted_rand >= EXCELLENT:
        return "agree almost wholly"
    if agreement.adjusted_rand >= GOOD:
        return "agree well"
    if agreement.adjusted_rand >= MODERATE:
        return "agree moderately"
    if agreement.p_value <= ALPHA and agreement.low > 0:
        return "agree in part, beyond chance"
    if agreement.p_value <= ALPHA:
        return "agree beyond shuffled terms, but on so few terms that it could be luck"
    return "agree no more than chance would"


def figures(agreement: Agreement) -> str:
    """Write the adjusted Rand index with its interval and what chance gives."""
    parts = [f"ARI {agreement.adjusted_rand:.2f}"]
    if not isnan(agreement.low):
        parts.append(f"95 % interval over terms {agreement.low:.2f} to {agreement.high:.2f}")
    parts.append(count(agreement.n_terms, "term"))
    said = ", ".join(parts)
    if not isnan(agreement.chance):
        said += f"; chance reaches {agreement.chance:.2f} in 5 % of shuffles"
    return said.replace("-", "\u2212")


def verdict(agreement: Agreement | None, matches: Sequence[FactorMatch], n_groups: int) -> str:
    """Write the verdict on the two routes.

    Parameters
    ----------
    agreement
        Of primary loadings with groups; None where it cannot be told.
    matches
        One for each factor.
    n_groups
        Groups that the factors are held against.
    """
    if n_groups < 2:
        held = "one group" if n_groups else "no group"
        return f"The other route found {held}, so there is no partition for the factors to agree with."
    if agreement is None:
        return (
            "Fewer than two terms have both a group and a positive loading, so the routes cannot be compared."
        )
    parts = [f"Factors and groups {degree(agreement)} ({figures(agreement)})."]
    alike = sum(m.congruence >= FAIR for m in matches)
    equal = sum(m.congruence >= EQUAL for m in matches)
    parts.append(
        f"{alike} of {count(len(matches), 'factor')} {'has' if alike == 1 else 'have'} a congruence of {FAIR} or more "
        f"with their group, {equal} of {EQUAL} or more."
    )
    alone = [str(m.factor + 1) for m in matches if m.group is None]
    if alone:
        parts.append(f"No group is left for factor {', '.join(alone)}.")
    unmatched = n_groups - (len(matches) - len(alone))
    if unmatched > 0:
        parts.append(
            f"{unmatched} of {count(n_groups, 'group')} "
            f"{'has no factor of its' if unmatched == 1 else 'have no factor of their'} own."
        )
    return " ".join(parts)
