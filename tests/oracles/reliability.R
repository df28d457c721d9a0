# Make reliability.json: alpha with its intervals and item statistics, omega, and the six intraclass correlations.
# Rscript tests/oracles/reliability.R > tests/oracles/reliability.json
suppressMessages({library(psych); library(GPArotation); library(jsonlite)})
options(digits = 15)
quiet <- function(code) {
  sink(tempfile()); on.exit(sink())
  suppressMessages(suppressWarnings(code))
}
plain <- function(x) unname(as.matrix(x))

# Columns with one or three group factors and a general one; `reverse` turns some of them round.
simulated <- function(n, p, k, general, specific, reverse = integer(0)) {
  group <- rep(seq_len(k), length.out = p)
  x <- outer(rnorm(n), runif(p, general - .15, general + .15)) +
    matrix(rnorm(n * k), n)[, group] * specific + matrix(rnorm(n * p), n)
  x[, reverse] <- -x[, reverse]
  round(x, 3)
}
set.seed(20)
tables <- list(
  normal = simulated(60, 6, 1, .7, .2),
  unequal = sweep(simulated(40, 5, 2, .5, .5), 2, c(1, 3, .2, 10, 2), "*"),
  opposed = simulated(30, 4, 2, .6, .2, reverse = 2),
  scale = matrix(pmin(pmax(round(3 + simulated(80, 8, 2, .8, .5)), 1), 5), 80),
  two = simulated(25, 2, 1, .8, .1),
  three = simulated(12, 3, 1, .8, .1)
)
alphas <- lapply(tables, function(x) {
  a <- quiet(psych::alpha(as.data.frame(x)))
  k <- ncol(x)
  drop <- if (k > 2) list(raw = a$alpha.drop$raw_alpha, std = a$alpha.drop$std.alpha) else NULL
  list(x = plain(x), raw = a$total$raw_alpha, std = a$total$std.alpha, g6 = a$total[["G6(smc)"]],
    mean_r = a$total$average_r, ase = a$total$ase,
    feldt = unname(unlist(a$feldt[c("lower.ci", "upper.ci")])),
    drop = drop, raw_r = a$item.stats$raw.r, r_drop = a$item.stats$r.drop, r_cor = a$item.stats$r.cor)
})

one_omega <- function(r, k, ...) {
  o <- quiet(psych::omega(r, nfactors = k, plot = FALSE, ...))
  list(r = plain(r), k = k, h = o$omega_h, t = o$omega.tot, limit = o$omega.lim, alpha = o$alpha, g6 = o$G6,
    ecv = unname(o$ECV), key = unname(o$key), sl = plain(o$schmid$sl[, seq_len(k + 1)]),
    second = if (k > 1) as.numeric(o$schmid$gloading) else 1, h2 = unname(o$schmid$sl[, "h2"]),
    group = plain(o$omega.group))
}
bifactor <- simulated(250, 12, 3, .7, .6)
turned <- simulated(250, 9, 3, .7, .6, reverse = c(2, 6, 7))
omegas <- list(
  thurstone = one_omega(psych::Thurstone, 3),
  thurstone_two = one_omega(psych::Thurstone, 2),
  thurstone_one = one_omega(psych::Thurstone, 1),
  thurstone_ml = one_omega(psych::Thurstone, 3, fm = "ml"),
  harman = one_omega(datasets::Harman74.cor$cov, 4),
  bifactor = one_omega(round(cor(bifactor), 12), 3),
  turned = one_omega(round(cor(turned), 12), 3),
  keyed = c(one_omega(round(cor(turned), 12), 3, key = c(1, -1, 1, 1, 1, -1, -1, 1, 1)),
    list(given = c(1, -1, 1, 1, 1, -1, -1, 1, 1)))
)

ratings <- list(
  shrout_fleiss = matrix(c(9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7), 6, byrow = TRUE),
  two_raters = round(outer(rnorm(15), c(1, 1)) + matrix(rnorm(30), 15), 2),
  negative = round(matrix(rnorm(36), 12) - outer(rnorm(12), c(1, -1, 0)), 2),
  severe = round(outer(rnorm(20), rep(1, 5)) + outer(rep(1, 20), 1:5 * 2) + matrix(rnorm(100), 20), 2),
  many = matrix(pmin(pmax(round(4 + outer(1.2 * rnorm(50), rep(1, 10)) + matrix(rnorm(500), 50)), 0), 6), 50)
)
forms <- function(x, level) {
  i <- quiet(psych::ICC(x, lmer = FALSE, alpha = 1 - level))$results
  list(x = plain(x), level = level, estimate = i$ICC, f = i$F, df1 = i$df1, df2 = i$df2, p = i$p,
    low = i[["lower bound"]], high = i[["upper bound"]])
}
iccs <- c(lapply(ratings, forms, level = .95), list(level_80 = forms(ratings$two_raters, .8)))

versions <- list(R = R.version.string, psych = as.character(packageVersion("psych")),
  GPArotation = as.character(packageVersion("GPArotation")))
cat(toJSON(list(versions = versions, alpha = alphas, omega = omegas, icc = iccs), digits = NA, auto_unbox = TRUE,
  na = "null", null = "null"))
