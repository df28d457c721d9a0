# Values of psych, nFactors and base R for tests/stats/retention_oracle.py.
# Run in this folder: Rscript retention.R > retention.json
suppressPackageStartupMessages({library(psych); library(nFactors); library(jsonlite)})
RNGkind("Mersenne-Twister"); set.seed(20)
options(warn = -1)
quiet <- function(e) { invisible(capture.output(v <- e)); v }

planted <- function(n, p, k, strength) {
  f <- matrix(rnorm(n * k), n); own <- rep(seq_len(k), length.out = p)
  round(strength * f[, own] + sqrt(1 - strength^2) * matrix(rnorm(n * p), n), 3)
}
tables <- list(planted9 = planted(301, 9, 3, .75), noise12 = planted(150, 12, 1, 0),
               binary10 = (planted(250, 10, 2, .8) > .4) * 1)
published <- list(harman24 = list(r = Harman74.cor$cov, n = 145), thurstone = list(r = Thurstone, n = 213),
                  bechtoldt = list(r = Bechtoldt.1, n = 212))
cases <- c(published, lapply(tables, function(x) list(r = cor(x), n = nrow(x), data = x)))

parallel_of <- function(case) {
  raw <- !is.null(case$data)
  n_iter <- 200
  f <- if (raw) quiet(fa.parallel(case$data, n.iter = n_iter, plot = FALSE))
       else quiet(fa.parallel(case$r, n.obs = case$n, n.iter = n_iter, plot = FALSE))
  out <- list(n_iter = n_iter, nfact = f$nfact, ncomp = f$ncomp, pc = f$pc.values, fa = f$fa.values,
              pc_sim = f$pc.sim, fa_sim = f$fa.sim)
  p <- ncol(case$r); sds <- apply(f$values, 2, sd)
  if (raw) c(out, list(pc_resampled = f$pc.simr, fa_resampled = f$fa.simr,
                       pc_sd = sds[1:p], fa_sd = sds[p + 1:p]))
  else c(out, list(pc_sd = sds[1:p], fa_sd = sds[p + 1:p]))
}

# Partial correlations by regression on component scores of data that have exactly this correlation matrix.
map_by_regression <- function(r, most, power) {
  p <- ncol(r)
  z <- qr.Q(qr(scale(matrix(rnorm(4 * p * p), 4 * p), scale = FALSE))) %*% chol(r)
  scores <- z %*% eigen(r)$vectors
  sapply(0:most, function(m) {
    e <- if (m == 0) z else residuals(lm(z ~ scores[, 1:m] - 1))
    q <- cor(e)
    mean(abs(q[upper.tri(q)])^power)
  })
}

ekc_reference <- function(r, n) {
  l <- eigen(r)$values; p <- length(l); ref <- numeric(p)
  for (j in 1:p) ref[j] <- max((p - sum(l[seq_len(j - 1)])) / (p - j + 1) * (1 + sqrt(p / n))^2, 1)
  k <- 0; while (k < p && l[k + 1] > ref[k + 1]) k <- k + 1
  list(reference = ref, n = k)
}

# Convex hull by brute force: a point stays unless a chord of two others passes on or above it.
hull_n <- function(fit, free) {
  keep <- c(TRUE, sapply(2:length(fit), function(i) fit[i] > max(fit[1:(i - 1)])))
  id <- which(keep)
  on <- sapply(id, function(b) {
    left <- id[id < b]; right <- id[id > b]
    if (!length(left) || !length(right)) return(TRUE)
    all(sapply(left, function(a) sapply(right, function(c)
      fit[b] > fit[a] + (fit[c] - fit[a]) * (free[b] - free[a]) / (free[c] - free[a]))))
  })
  id <- id[on]; last <- max(id)
  if (length(id) < 3) return(list(n = if (last > 1 && last < length(fit)) last - 1 else NA))
  st <- sapply(2:(length(id) - 1), function(i)
    ((fit[id[i]] - fit[id[i - 1]]) / (free[id[i]] - free[id[i - 1]])) /
    ((fit[id[i + 1]] - fit[id[i]]) / (free[id[i + 1]] - free[id[i]])))
  list(n = id[1 + which.max(st)] - 1)
}
hull_of <- function(r, n, most) {
  p <- ncol(r); k <- 0:most; free <- p * k - k * (k - 1) / 2; df <- ((p - k)^2 - (p + k)) / 2
  caf <- 1 - sapply(k, function(m) {
    q <- if (m == 0) r else { l <- unclass(fa(r, m, rotate = "none", fm = "minres", warnings = FALSE)$loadings)
                              r - l %*% t(l) }
    diag(q) <- 1; KMO(q)$MSA })
  f <- sapply(k, function(m) if (m == 0) -log(det(r)) else
    factanal(covmat = r, factors = m, rotation = "none", n.obs = n, nstart = 5)$criteria["objective"])
  d <- (n - 1) * f - df; cfi <- if (d[1] <= 0) rep(1, length(k)) else 1 - d / d[1]
  list(caf = caf, cfi = unname(cfi), df = df, by_caf = hull_n(caf, free), by_cfi = hull_n(cfi, free))
}

values <- lapply(cases, function(case) {
  r <- unclass(case$r); dimnames(r) <- NULL; p <- ncol(r)
  scree <- nScree(x = eigen(r)$values)
  list(r = if (is.null(case$data)) r else NULL, data = case$data, n = case$n, parallel = parallel_of(case),
       map = quiet(VSS(r, n = min(8, p - 2), plot = FALSE, n.obs = case$n))$map,
       map4 = map_by_regression(r, min(8, p - 2), 4), map2 = map_by_regression(r, min(8, p - 2), 2),
       ekc = ekc_reference(r, case$n), hull = hull_of(r, case$n, if (p > 12) 5 else if (p == 9) 3 else 4),
       scree = list(noc = scree$Components$noc, naf = scree$Components$naf, nkaiser = scree$Components$nkaiser,
                    af = scree$Analysis$Acc.factor, oc = scree$Analysis$Pred.eig),
       kmo = list(overall = KMO(r)$MSA, each = unname(KMO(r)$MSAi)), smc = unname(smc(r)),
       bartlett = unclass(cortest.bartlett(r, n = case$n)))
})

bad <- Thurstone; bad[1, 2] <- bad[2, 1] <- -.9; dimnames(bad) <- NULL
a <- unname(unclass(fa(Thurstone, 3, rotate = "none")$loadings)); b <- unname(unclass(varimax(a)$loadings))
extra <- list(smooth = list(before = bad, after = unname(cor.smooth(bad))),
              congruence = list(a = a, b = b[, 1:2], value = unname(factor.congruence(a, b[, 1:2], digits = 15))),
              correlate = list(value = cor(tables$binary10)))
cat(toJSON(list(cases = values, extra = extra), digits = NA, auto_unbox = TRUE, na = "null", null = "null"))
