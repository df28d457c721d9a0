"""Write docs/reference/statistics.md from the docstrings of `valuelex.stats`.

Run: python docs/make_statistics_reference.py > docs/reference/statistics.md
"""

from __future__ import annotations

import importlib
import inspect

CHAPTERS = {
    "Relations between columns": {
        "cooccurrence": ("cooccurrence", "phi", "ppmi", "association_strength", "margin_residual"),
        "correlation": (
            "correlate",
            "smooth",
            "squared_multiple_correlations",
            "kmo",
            "bartlett_sphericity",
        ),
        "tetrachoric": ("tetrachoric",),
        "polychoric": ("polychoric",),
    },
    "Factors": {
        "factor": ("efa", "efa_of_data"),
        "extraction": ("extract",),
        "rotation": ("rotate",),
        "fit": ("fit_statistics", "factor_determinacy"),
        "loading_intervals": ("bootstrap_loadings", "bootstrap_factors"),
        "associations": (
            "ppmi_of_lists",
            "phi_of_lists",
            "between_profiles",
            "within_profiles",
            "ratings_of_rows",
        ),
        "congruence": ("congruence", "align_loadings", "match_columns", "procrustes"),
        "target_congruence": ("congruence_with_target",),
    },
    "How many factors or groups": {
        "retention_table": ("retention_table",),
        "parallel_analysis": ("parallel_analysis", "parallel_analysis_of_correlation"),
        "retention": ("minimum_average_partial", "empirical_kaiser", "hull", "scree"),
        "block_model": ("choose_n_groups",),
        "nulls": (
            "null_correlation",
            "wishart_correlation",
            "permute_columns",
            "curveball",
            "curveball_correlations",
        ),
    },
    "Clusters and stability": {
        "cluster": (
            "spectral_partitions",
            "spectral_embedding",
            "adjusted_rand_of_tables",
            "modularity",
            "match_labels",
        ),
        "stability": (
            "compare_partitions",
            "partition_stability",
            "split_half_partitions",
            "split_half_loadings",
        ),
        "partition_agreement": ("agreement_beyond_chance",),
    },
    "Reliability and agreement": {
        "reliability": ("cronbach_alpha", "bootstrap_alpha"),
        "omega": ("omega", "bootstrap_omega"),
        "icc": ("intraclass_correlations",),
        "agreement": ("krippendorff_alpha",),
        "kappa": ("cohen_kappa", "gwet_agreement"),
    },
    "Variance components": {
        "design": ("parse_design", "design_of_effects"),
        "variance_components": ("variance_components",),
        "generalizability": ("decision_study", "levels_needed"),
    },
    "Inference": {
        "bootstrap": ("resample_units", "bootstrap", "by_rows"),
        "unit_statistics": ("studentised_intervals", "unit_means", "unit_ratios", "unit_effects"),
        "unit_correlations": ("UnitCorrelations",),
        "permutation": ("permute_labels", "sign_flip_p_values"),
        "multiplicity": ("holm", "benjamini_hochberg"),
        "effect_size": (
            "paired_effect",
            "two_sample_effect",
            "one_sample_effect",
            "probability_of_superiority",
        ),
        "shrinkage": ("shrink",),
        "pooled_means": ("pooled_means",),
    },
    "Choices": {
        "paired_comparison": ("paired_comparison",),
    },
}
"""Question, module, functions. What is not named here is a part of these."""
HEAD = """# Statistics: the functions

Arrays in, arrays out; import them from their module: `from valuelex.stats.factor import efa`. Each docstring gives
shapes, units, the rule for missing values, errors and source: `help(efa)`. Results are frozen dataclasses and carry
`flags` where an estimate should not be trusted blindly (`valuelex.stats.flags`); input from which nothing can be
estimated raises `valuelex.errors.DataError`.
[How to use them](../how-to/statistics.md); how far each figure is from R's, and
how fast: [Statistics](../explanation/statistics.md). This page is made from the docstrings by `make docs`.
"""


def reference() -> str:
    """Return the whole page."""
    lines = [HEAD]
    for chapter, modules in CHAPTERS.items():
        lines += [f"## {chapter}", "", "| Function | What it does |", "|---|---|"]
        for name, functions in modules.items():
            module = importlib.import_module(f"valuelex.stats.{name}")
            for function in functions:
                first = inspect.getdoc(getattr(module, function)).splitlines()[0]
                lines.append(f"| `{name}.{function}` | {first} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    print(reference(), end="")
