# Make effects.json: adjusted p-values, standardised effects with noncentral-t intervals, probability of
# superiority, and empirical Bayes estimates, from base R, metafor, psych and lme4.
# Rscript tests/oracles/effects.R > tests/oracles/effects.json
suppressMessages({library(metafor); library(lme4); library(jsonlite)})
set.seed(5)
p <- c(0.01, 0.04, 0.03, 0.005, 0.2, 0.0001, 0.04, 0.9, 0.04)

root <- function(t, df, tail) {
  uniroot(function(ncp) suppressWarnings(pt(t, df, ncp)) - tail, t + c(-1, 1) * (12 + 3 * abs(t)), tol = 1e-13)$root
}
noncentral <- function(t, df, scale, level) c(root(t, df, (1 + level) / 2), root(t, df, (1 - level) / 2)) / scale
a <- round(rnorm(11, .4), 3); b <- round(rnorm(17, 0, 1.3), 3)
two <- lapply(list(small = 0, middle = .9, large = -4, huge = 9), function(shift) {
  x <- a + shift; na <- length(x); nb <- length(b)
  s <- sqrt(((na - 1) * var(x) + (nb - 1) * var(b)) / (na + nb - 2)); d <- (mean(x) - mean(b)) / s
  k <- sqrt(na * nb / (na + nb))
  e <- escalc("SMD", m1i = mean(x), m2i = mean(b), sd1i = sd(x), sd2i = sd(b), n1i = na, n2i = nb)
  ps <- suppressWarnings(psych::cohen.d(data.frame(v = c(x, b), w = c(x, b)^2, g = rep(2:1, c(na, nb))), "g"))
  list(shift = shift, d = d, ci95 = noncentral(d * k, na + nb - 2, k, .95), ci90 = noncentral(d * k, na + nb - 2, k, .9),
    g = as.vector(e$yi), v = as.vector(e$vi), psych = unname(ps$hedges.g[1, 2]))
})
y <- round(.7 * a + rnorm(11), 3)
diffs <- a - y
dz <- mean(diffs) / sd(diffs)
ez <- escalc("SMCC", m1i = mean(a), m2i = mean(y), sd1i = sd(a), sd2i = sd(y), ni = 11, ri = cor(a, y))
one <- list(d = dz, ci = noncentral(dz * sqrt(11), 10, sqrt(11), .95), g = as.vector(ez$yi), v = as.vector(ez$vi))
# d_av: Algina and Keselman (2003), equation for the paired case; variance of Bonett (2008), equation 10.
s2 <- (var(a) + var(y)) / 2
dav <- mean(diffs) / sqrt(s2)
k <- sqrt(2 * (var(a) + var(y) - 2 * cov(a, y)) / (11 * (var(a) + var(y))))
tp <- unname(t.test(a, y, paired = TRUE)$statistic)
bonett <- dav^2 * (var(a)^2 + var(y)^2 + 2 * cov(a, y)^2) / (8 * s2^2 * 10) + var(diffs) / (s2 * 10)
paired <- list(d = dav, ci = noncentral(tp, 10, 1, .95) * k, v = bonett)

# Probability of superiority by counting all pairs; Brunner and Munzel's variance from placements.
ra <- round(a * 2) / 2; rb <- round(b * 2) / 2
superior <- function(x, z) {
  wins <- outer(x, z, function(u, w) (u > w) + (u == w) / 2)
  pr <- mean(wins); va <- var(rowMeans(wins)) / length(x); vb <- var(colMeans(wins)) / length(z)
  df <- (va + vb)^2 / (va^2 / (length(x) - 1) + vb^2 / (length(z) - 1))
  c(pr, plogis(qlogis(pr) + c(-1, 1) * qt(.975, df) * sqrt(va + vb) / (pr * (1 - pr))))
}
# Newcombe's method 5 where one sample lies above the other: root of |1 - x| = z sqrt(v(x)).
newcombe <- function(m, n) uniroot(function(x) {
  h <- (m + n) / 2 - 1
  (1 - x) - qnorm(.975) * sqrt(x * (1 - x) * (1 + h * (1 - x) / (2 - x) + h * x / (1 + x)) / (m * n))
}, c(.01, 1 - 1e-9), tol = 1e-13)$root

# Empirical Bayes: three sets of estimates with unequal variances, one of them without spread beyond chance.
fit <- function(yi, vi, method) {
  r <- rma(yi, vi, method = method, control = list(threshold = 1e-13, maxiter = 10000, tau2.max = 1e4, tol = 1e-12))
  u <- blup(r)
  list(tau2 = r$tau2, mean = as.vector(r$beta), mean_se = r$se, i2 = r$I2 / 100, q = r$QE, pred = as.vector(u$pred),
    se = as.vector(u$se))
}
sets <- list(list(y = round(rnorm(14, 1, 1.2), 3), v = round(rexp(14) + .1, 3)),
  list(y = round(rnorm(30, -2, .4), 3), v = round(runif(30, .05, .3), 3)),
  list(y = c(.1, -.2, .3, 0, .15, -.1), v = rep(.5, 6)), list(y = c(28, 8, -3, 7, -1, 1, 18, 12), v = c(15, 10, 16, 11, 9, 11, 10, 18)^2),
  list(y = c(1000.1, 1003, 998.2, 1011, 990), v = c(.001, .002, .5, .01, 4)))
shrunk <- lapply(sets, function(s) list(y = s$y, v = s$v, reml = fit(s$y, s$v, "REML"), pm = fit(s$y, s$v, "PM"),
  dl = fit(s$y, s$v, "DL")))
unit <- rep(1:9, each = 6); score <- round(rnorm(9)[unit] + rnorm(54), 3)
m <- lmer(score ~ 1 + (1 | unit), control = lmerControl(optCtrl = list(ftol_abs = 1e-14, xtol_abs = 1e-12)))
lme <- list(unit = unit, score = score, ranef = ranef(m)$unit[, 1] + unname(fixef(m)), tau2 = as.vector(VarCorr(m)$unit))

cat(toJSON(list(R = R.version.string, metafor = as.character(packageVersion("metafor")), p = p, holm = p.adjust(p, "holm"),
  bh = p.adjust(p, "BH"), a = a, b = b, y = y, two = two, one = one, paired = paired, superiority = list(ties = superior(ra, rb),
  plain = superior(a, b)), newcombe = c(newcombe(5, 8), newcombe(2, 2), newcombe(30, 20)), shrunk = shrunk, lme = lme),
  digits = NA, auto_unbox = TRUE))
cat("\n")
