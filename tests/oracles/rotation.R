# Rotated loadings, factor correlations and criterion values from stats, GPArotation and psych.
# Run: Rscript tests/oracles/rotation.R   (R 4.2.2, GPArotation 2022.10-2, psych 2.2.9; writes rotation.json)
# Each criterion is minimised from the identity and from random starts, with a tight tolerance; the least value counts.
suppressMessages({library(GPArotation); library(psych); library(jsonlite)})
set.seed(20)
n_starts <- 10

simulated <- matrix(0, 30, 5)
simulated[cbind(1:30, rep(1:5, 6))] <- runif(30, .4, .8)
simulated <- simulated + matrix(rnorm(150, 0, .12), 30, 5)
simulated <- simulated %*% qr.Q(qr(matrix(rnorm(25), 5)))
unrotated <- function(r, k) unclass(fa(r, k, rotate = "none", fm = "minres"))$loadings[, ]
inputs <- list(
  harman24 = unname(unrotated(Harman74.cor$cov, 4)),
  thurstone = unname(unrotated(psych::Thurstone, 3)),
  simulated = simulated
)

least <- function(method, a, start, ...) {
  k <- ncol(a)
  best <- NULL
  for (i in seq_len(n_starts)) {
    t0 <- if (i == 1) start else Random.Start(k)
    end <- try(suppressWarnings(do.call(method, list(a, Tmat = t0, eps = 1e-8, maxit = 1500, ...))), silent = TRUE)
    if (inherits(end, "try-error")) next
    value <- end$Table[nrow(end$Table), 2]
    if (is.null(best) || value < best$value - 1e-12) {
      best <- list(value = value, loadings = unclass(end$loadings), phi = end$Phi)
    }
  }
  if (is.null(best$phi)) best$phi <- diag(k)
  best
}
simple <- c(
  Varimax = "varimax", quartimax = "quartimax", quartimin = "quartimin", geominT = "geomin_orthogonal",
  geominQ = "geomin", bifactorT = "bifactor", bifactorQ = "bifactor_oblique"
)
out <- list()
for (name in names(inputs)) {
  a <- inputs[[name]]
  k <- ncol(a)
  cases <- list()
  add <- function(criterion, software, end, ...) {
    case <- c(list(criterion = criterion, software = software), end[c("loadings", "phi", "value")], list(...))
    cases[[length(cases) + 1]] <<- Filter(Negate(is.null), case)
  }
  for (method in names(simple)) add(simple[[method]], "GPArotation", least(method, a, diag(k)))
  add("oblimin", "GPArotation", least("oblimin", a, diag(k), gam = -0.5), gamma = -0.5)
  add("oblimin", "GPArotation", least("oblimin", a, diag(k), normalize = TRUE), normalise = TRUE)
  add("geomin", "GPArotation", least("geominQ", a, diag(k), delta = 0.001), delta = 0.001)
  add("geomin", "GPArotation", least("geominQ", a, diag(k), normalize = TRUE), normalise = TRUE)
  for (kaiser in c(TRUE, FALSE)) {
    v <- stats::varimax(a, normalize = kaiser, eps = 1e-15)
    add("varimax", "stats", list(loadings = unclass(v$loadings), phi = diag(k)), normalise = kaiser)
  }
  # psych's promax with the varimax inside it brought to the end: that of stats stops at 1e-5.
  h <- sqrt(rowSums(a^2))
  weighted <- a / h
  to_the_end <- unclass(stats::varimax(weighted, eps = 1e-15)$loadings)
  p <- psych::Promax(to_the_end)
  add("promax", "psych", list(loadings = unclass(p$loadings) * h, phi = p$Phi), normalise = TRUE)
  # Targets: a third of the cells free in the partial one.
  kept <- unclass(stats::varimax(a)$loadings)
  target <- ifelse(abs(kept) > .4, .7, 0)
  target[abs(kept) > .25 & abs(kept) <= .4] <- NA
  near <- svd(t(a) %*% ifelse(is.na(target), 0, target))
  near <- near$u %*% t(near$v)
  add("target", "GPArotation", least("targetQ", a, near, Target = target), target = target)
  add("target_orthogonal", "GPArotation", least("targetT", a, near, Target = target), target = target)
  full <- ifelse(is.na(target), .3, target)
  s <- svd(t(a) %*% full)
  rotated <- a %*% s$u %*% t(s$v)
  add("target_orthogonal", "base (Procrustes)",
    list(loadings = rotated, phi = diag(k), value = sum((rotated - full)^2)), target = full)
  out[[name]] <- list(unrotated = a, cases = cases)
}
path <- sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))
write_json(out, file.path(dirname(path), "rotation.json"), digits = NA, auto_unbox = TRUE, na = "null")
