# Make agreement.json: Cohen's kappa of two raters.
# Rscript tests/oracles/agreement.R > tests/oracles/agreement.json
#
# psych's variance of weighted kappa multiplies the marginal shares into the wrong index (rowSums(w * rs), where
# Fleiss, Cohen & Everitt have the sum over j of w_ij rs_j). It is right without weights only, so the
# intervals of weighted kappa are taken from statsmodels in agreement_packages.py.
suppressMessages({library(psych); library(jsonlite)})
options(digits = 15)
set.seed(30)
pair <- function(n, q, noise, skew = 1) {
  truth <- sample.int(q, n, replace = TRUE, prob = seq_len(q)^-skew)
  other <- pmin(pmax(truth + round(noise * rnorm(n)), 1), q)
  unname(cbind(truth, other))
}
tables <- list(five = pair(80, 5, .8), binary = pair(60, 2, .5), rare = pair(100, 3, .4, 3),
  poor = cbind(sample.int(4, 50, TRUE), sample.int(4, 50, TRUE)))
distance <- function(q) abs(outer(seq_len(q), seq_len(q), "-")) / (q - 1)
kappas <- lapply(tables, function(x) {
  q <- max(x)
  linear <- suppressWarnings(psych::cohen.kappa(x, w = 1 - distance(q)))
  quadratic <- suppressWarnings(psych::cohen.kappa(x))
  list(x = x, unweighted = linear$kappa, se = sqrt(linear$var.kappa), ends = unname(linear$confid[1, c(1, 3)]),
    linear = linear$weighted.kappa, quadratic = quadratic$weighted.kappa)
})
versions <- list(R = R.version.string, psych = as.character(packageVersion("psych")))
cat(toJSON(list(versions = versions, kappa = kappas), digits = NA, auto_unbox = TRUE))
