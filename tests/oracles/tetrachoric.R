# Tetrachoric and polychoric correlations, and bivariate normal probabilities.
# Run: Rscript tetrachoric.R (writes tetrachoric.json beside itself)
suppressPackageStartupMessages({library(psych); library(polycor); library(mvtnorm); library(jsonlite)})
options(mc.cores = 1)
set.seed(20240611)

here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))

# polycor's likelihood with the thresholds of the table, searched to 1e-10 (polychor itself stops at 1e-4).
tight <- function(tab) {
  n <- sum(tab)
  h <- qnorm(cumsum(rowSums(tab)) / n)[-nrow(tab)]
  k <- qnorm(cumsum(colSums(tab)) / n)[-ncol(tab)]
  minus <- function(r) {
    p <- pmax(polycor:::binBvn(r, h, k), 1e-300)
    -sum(tab[tab > 0] * log(p[tab > 0]))
  }
  optimize(minus, c(-.9999, .9999), tol = 1e-10)$minimum
}
# A 2 x 2 table: the correlation that gives the observed cell, by a root search.
exact <- function(tab) {
  n <- sum(tab)
  h <- qnorm(sum(tab[1, ]) / n); k <- qnorm(sum(tab[, 1]) / n)
  f <- function(r) pmvnorm(upper = c(h, k), corr = matrix(c(1, r, r, 1), 2)) - tab[1, 1] / n
  uniroot(f, c(-.99999, .99999), tol = 1e-13)$root
}
pairwise <- function(x, one) {
  p <- ncol(x); r <- diag(p)
  for (i in 2:p) for (j in 1:(i - 1)) r[i, j] <- r[j, i] <- one(table(x[, i], x[, j]))
  r
}
filled <- function(tab, correct) { tab[tab == 0] <- correct; tab }
quiet <- function(expr) suppressWarnings(suppressMessages({ sink(nullfile()); on.exit(sink()); expr }))

# Bivariate normal probabilities, steep ones too.
grid <- expand.grid(h = c(-3, -2.5, -1, 0, .3, 2.5), k = c(-2.5, -.7, 0, 1.2, 3),
                    rho = c(-.9999, -.99, -.94, -.6, -.1, 0, .3, .8, .949, .951, .999))
grid$p <- mapply(function(h, k, r) pmvnorm(upper = c(h, k), corr = matrix(c(1, r, r, 1), 2)), grid$h, grid$k, grid$rho)

# Binary columns: published (LSAT), simulated dense, with missing values, with empty cells.
data(bock)
sigma <- diag(.4, 6) + .6 * tcrossprod(c(.9, .8, .7, -.6, .5, -.9)); diag(sigma) <- 1
z <- rmvnorm(300, sigma = sigma)
dense <- 1 * (z > rep(c(0, .5, -.5, .2, -.8, .9), each = 300))
missing <- dense; missing[cbind(sample(300, 150, TRUE), sample(6, 150, TRUE))] <- NA
sparse <- 1 * (rmvnorm(120, sigma = sigma) > rep(c(1.5, 1.2, -1.6, 1.4, -1.2, 1.7), each = 120))
wide <- 1 * (rmvnorm(25, sigma = .5 + diag(.5, 14)) > rep(seq(-.9, .9, length.out = 14), each = 25))

binary <- list(
  lsat6 = list(x = lsat6), lsat7 = list(x = lsat7), dense = list(x = dense), missing = list(x = missing),
  sparse = list(x = sparse), wide = list(x = wide))
for (name in names(binary)) {
  x <- as.matrix(binary[[name]]$x)
  fit <- quiet(tetrachoric(x)); raw <- quiet(tetrachoric(x, smooth = FALSE))
  binary[[name]] <- list(x = unname(x), rho = unname(fit$rho), raw = unname(raw$rho), tau = unname(as.vector(fit$tau)))
}
for (name in c("lsat6", "lsat7", "dense")) binary[[name]]$exact <- pairwise(binary[[name]]$x, exact)

# Ordered columns: five categories, different numbers, ten, with missing values.
cut_at <- function(v, at) as.integer(cut(v, c(-Inf, at, Inf)))
z <- rmvnorm(250, sigma = sigma[1:5, 1:5])
five <- apply(z, 2, cut_at, at = c(-1.2, -.4, .5, 1.4))
mixed <- cbind(cut_at(z[, 1], .3), cut_at(z[, 2], c(-.5, 1)), cut_at(z[, 3], c(-1, 0, 1)),
               cut_at(z[, 4], c(-2.2, -1.4, -.5, 0, .7, 2)), cut_at(z[, 5], seq(-1.8, 1.8, length.out = 9)))
ordered_missing <- five; ordered_missing[cbind(sample(250, 120, TRUE), sample(5, 120, TRUE))] <- NA
ordinal <- list(
  five = list(x = five, psych = unname(quiet(polychoric(five))$rho), tight = pairwise(five, tight)),
  mixed = list(x = mixed, tight = pairwise(mixed, tight),
               corrected = pairwise(mixed, function(tab) tight(filled(tab, .5))),
               psych = unname(quiet(polychoric(mixed, correct = 0, max.cat = 10))$rho),
               polycor = pairwise(mixed, function(tab) polychor(tab))),
  missing = list(x = ordered_missing, psych = unname(quiet(polychoric(ordered_missing))$rho),
                 tight = pairwise(ordered_missing, tight)))

# Hard tables: correlations near 1 and -1, thresholds at 2.5.
hard_table <- function(rho, h, k, n) {
  p <- polycor:::binBvn(rho, h, k)
  round(n * pmax(p, 0))
}
hard <- list()
for (rho in c(-.99, -.9, .6, .97, .995))
  for (cuts in list(list(0, .1), list(2.5, 2.3), list(-2.5, 2.4), list(c(-2.5, 2.5), c(-1, 0, 2.5)), list(c(-2, 0, 1), c(-1.9, .1, 1.1)))) {
    tab <- hard_table(rho, cuts[[1]], cuts[[2]], 20000)
    keep <- tab[rowSums(tab) > 0, colSums(tab) > 0, drop = FALSE]
    if (min(dim(keep)) < 2) next
    two <- all(dim(keep) == 2)
    if (two && min(keep) == 0) next
    hard[[length(hard) + 1]] <- list(table = keep, rho = if (two) exact(keep) else tight(keep))
  }

write(toJSON(list(
  versions = list(psych = as.character(packageVersion("psych")), polycor = as.character(packageVersion("polycor")),
                  mvtnorm = as.character(packageVersion("mvtnorm"))),
  grid = as.list(grid), binary = binary, ordinal = ordinal, hard = hard), digits = 15, na = "null", auto_unbox = TRUE),
  file.path(here, "tetrachoric.json"))
