# Phi, pointwise mutual information and association strength from the definitions, in base R and vegan.
# Run: Rscript cooccurrence.R (writes cooccurrence.json beside itself)
suppressPackageStartupMessages({library(vegan); library(jsonlite)})
set.seed(31)
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))

x <- 1 * (matrix(runif(60 * 9), 60) < rep(c(.5, .4, .3, .3, .2, .2, .15, .1, .1), each = 60))
x[, 2] <- pmax(x[, 2], x[, 1] * (runif(60) < .7))
n <- nrow(x)
w <- rpois(n, 1)
counts <- crossprod(x)
# The shares of the four cells of a pair, from table(), with k lists added to each.
information <- function(k) {
  p <- ncol(x); m <- matrix(0, p, p)
  for (i in 1:p) for (j in 1:p) if (i != j) {
    tab <- table(factor(x[, i], 0:1), factor(x[, j], 0:1))
    if (tab[2, 2] == 0) next
    tab <- tab + k
    share <- tab / sum(tab)
    m[i, j] <- max(0, log2(share[2, 2] / (sum(share[2, ]) * sum(share[, 2]))))
  }
  m
}
# vegan: designdist with terms "minimum" gives J shared, A and B the totals of both.
observed_over_expected <- as.matrix(designdist(t(x), "J * P / (A * B)", terms = "binary"))
diag(observed_over_expected) <- 0

write(toJSON(list(
  versions = list(vegan = as.character(packageVersion("vegan"))),
  x = x, weights = w, counts = counts, weighted = crossprod(x * w, x), phi = cor(x),
  weighted_phi = unname(cov.wt(x, w / sum(w), cor = TRUE)$cor), ppmi = information(0), ppmi_smoothed = information(.5),
  strength = unname(observed_over_expected)), digits = 15, auto_unbox = TRUE), file.path(here, "cooccurrence.json"))
