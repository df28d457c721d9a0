# Values for tests/stats/efa_oracle.py. Run: Rscript efa.R (writes efa.json beside itself)
# R 4.2.2, psych 2.2.9, GPArotation 2022.10-2.
suppressMessages({library(psych); library(GPArotation); library(jsonlite)})

simulate <- function(seed, n, p, k, r = .3, low = .4, high = .8) {
  set.seed(seed)
  loadings <- matrix(0, p, k)
  loadings[cbind(1:p, (0:(p - 1)) %% k + 1)] <- runif(p, low, high)
  phi <- matrix(r, k, k); diag(phi) <- 1
  factors <- matrix(rnorm(n * k), n) %*% chol(phi)
  noise <- matrix(rnorm(n * p), n) %*% diag(sqrt(1 - rowSums(loadings^2)))
  round(factors %*% t(loadings) + noise, 4)
}

solve_one <- function(r, k, n, fm, rotation) {
  extra <- if (rotation == "oblimin") list(eps = 1e-9, maxit = 10000) else list()
  if (fm == "pa") extra <- c(extra, list(min.err = 1e-9, max.iter = 100000))
  f <- suppressWarnings(suppressMessages(do.call(fa, c(
    list(r = r, nfactors = k, n.obs = n, fm = fm, rotate = rotation, scores = "none", warnings = FALSE), extra))))
  phi <- if (is.null(f$Phi)) diag(k) else f$Phi
  list(method = fm, rotation = rotation,
    pattern = unclass(f$loadings)[, , drop = FALSE], structure = unclass(f$Structure)[, , drop = FALSE],
    phi = unname(phi), communality = unname(f$communality), uniqueness = unname(f$uniquenesses),
    complexity = unname(f$complexity), sums_of_squares = unname(f$Vaccounted["SS loadings", ]),
    shares = unname(f$Vaccounted["Proportion Var", ]), R2 = unname(f$R2),
    fit = list(objective = f$objective, dof = f$dof, STATISTIC = f$STATISTIC, PVAL = f$PVAL, chi = f$chi,
      EPVAL = f$EPVAL, null.model = f$null.model, null.chisq = f$null.chisq, null.dof = f$null.dof, TLI = f$TLI,
      RMSEA = unname(f$RMSEA[1]), RMSEA.low = unname(f$RMSEA[2]), RMSEA.high = unname(f$RMSEA[3]),
      rms = f$rms, crms = f$crms, BIC = f$BIC, SABIC = f$SABIC, EBIC = f$EBIC, ESABIC = f$ESABIC,
      fit = f$fit, fit.off = f$fit.off,
      # Bentler's formula on psych's chi-squares; psych 2.2.9 has no CFI.
      CFI = 1 - max(f$STATISTIC - f$dof, 0) / max(f$null.chisq - f$null.dof, f$STATISTIC - f$dof, 0)))
}

data <- simulate(11, 150, 12, 3)
# Two columns that nearly repeat one another, and a doublet factor: a Heywood case.
heywood <- {x <- simulate(5, 60, 8, 2); x[, 8] <- x[, 7] + .3 * x[, 8]; x}
wide <- simulate(40, 400, 40, 5)
inputs <- list(
  harman24 = list(r = Harman74.cor$cov, k = 4, n = 145),
  thurstone = list(r = Thurstone, k = 3, n = 213),
  simulated = list(r = cor(data), k = 3, n = 150),
  simulated40 = list(r = cor(wide), k = 5, n = 400),
  heywood = list(r = cor(heywood), k = 3, n = 60),
  one_factor = list(r = Thurstone, k = 1, n = 213))

out <- lapply(names(inputs), function(name) {
  q <- inputs[[name]]
  many <- name %in% c("harman24", "thurstone", "simulated")
  methods <- if (many) c("minres", "ml", "pa", "uls") else c("minres", "ml")
  rotations <- if (many) c("none", "varimax", "promax", "oblimin") else c("none", "oblimin")
  if (q$k == 1) rotations <- "none"
  solutions <- list()
  for (fm in methods) for (rotation in rotations)
    if (!(name == "harman24" && fm == "uls")) solutions <- c(solutions, list(solve_one(q$r, q$k, q$n, fm, rotation)))
  list(name = name, correlation = unname(q$r), n_factors = q$k, n_rows = q$n, solutions = solutions)
})
write_json(list(data = unname(data), cases = out), "efa.json", digits = 15, auto_unbox = TRUE, na = "null")
