# Make resampling.json: bootstrap intervals of the boot package on its own resamples, and permutation tests by
# going through every arrangement in base R.
# Rscript tests/oracles/resampling.R > tests/oracles/resampling.json
suppressMessages({library(boot); library(jsonlite)})
set.seed(11)

# Bootstrap over whole clusters. Skewed values in 12 clusters of 1 to 6 rows.
cluster <- rep(1:12, c(3, 5, 2, 4, 6, 1, 3, 4, 2, 5, 3, 4))
value <- rexp(12)[cluster] + rexp(length(cluster)) / 2
size <- as.vector(table(cluster)); total <- as.vector(tapply(value, cluster, sum))
mean_and_variance <- function(data, i) {
  m <- sum(total[i]) / sum(size[i]); g <- length(i)
  c(m, g / (g - 1) * sum((total[i] - m * size[i])^2) / sum(size[i])^2)
}
ends <- function(ci, type) as.vector(tail(as.vector(ci[[type]]), 2))
intervals <- function(b, stud, conf = .95, L = NULL) {
  # boot.ci by itself takes influence values by regression on the resamples. Here they are those of leaving one out,
  # less their mean, as Efron (1987) and scipy have them.
  if (is.null(L)) { L <- empinf(b, index = 1, type = "jack"); L <- L - mean(L) }
  ci <- boot.ci(b, conf = conf, type = c("perc", "bca"), index = 1, L = L)
  out <- list(estimate = b$t0[1], se = sd(b$t[, 1]), perc = ends(ci, "percent"), bca = ends(ci, "bca"))
  if (stud) out$stud <- ends(boot.ci(b, conf = conf, type = "stud", index = 1:2), "student")
  out
}
b_mean <- boot(1:12, mean_and_variance, R = 999)
mean_case <- c(list(cluster = cluster, value = value, weights = boot.array(b_mean)), intervals(b_mean, TRUE),
  list(at90 = intervals(b_mean, TRUE, .9)))

# Correlation of two columns of 15 rows, each a unit; its variance in each resample by the jackknife.
x <- rnorm(15); y <- .6 * x + .8 * rnorm(15)
cor_jack <- function(data, i) {
  left <- sapply(seq_along(i), function(j) cor(x[i[-j]], y[i[-j]])); n <- length(i)
  c(cor(x[i], y[i]), (n - 1) / n * sum((left - mean(left))^2))
}
b_cor <- boot(1:15, cor_jack, R = 999)
cor_case <- c(list(x = x, y = y, weights = boot.array(b_cor)), intervals(b_cor, TRUE))

# Difference of two means, resampled within strata; 500 resamples, so that ends lie between two of them.
kind <- rep(1:2, c(9, 14)); z <- rnorm(23) * kind + kind
difference <- function(data, i) mean(z[i][kind[i] == 1]) - mean(z[i][kind[i] == 2])
b_two <- boot(1:23, difference, R = 500, strata = kind)
L <- empinf(b_two, type = "jack") / table(kind)[kind]
two_case <- c(list(z = z, kind = kind, weights = boot.array(b_two)), intervals(b_two, FALSE, L = L))

# Sign flips and the studentised bootstrap of a mean from very many resamples.
v <- c(0.4, -0.1, 0.7, 0.3, 0.2, -0.2, 0.5, 0.9, 0.1, 0.6, -0.3, 0.8)
signs <- function(n) as.matrix(expand.grid(rep(list(c(-1, 1)), n)))
flips <- mean(abs(signs(length(v)) %*% v) >= abs(sum(v)) - 1e-9)
of_unit <- rep(1:8, c(2, 1, 1, 2, 1, 2, 1, 2)); unit_sums <- tapply(v, of_unit, sum)
group_flips <- mean(abs(signs(8) %*% unit_sums) >= abs(sum(v)) - 1e-9)
n <- length(v)
t_star <- replicate(400000, { s <- v[sample.int(n, n, replace = TRUE)]; (mean(s) - mean(v)) / (sd(s) / sqrt(n)) })
q <- quantile(t_star, c(.975, .025), names = FALSE)
many <- c(mean(v), mean(v) - q * sd(v) / sqrt(n))

# Every arrangement of labels.
arrange <- function(labels) {
  if (length(labels) == 1) return(matrix(labels))
  do.call(rbind, lapply(unique(labels), function(l) cbind(l, arrange(labels[-match(l, labels)]))))
}
in_blocks <- function(labels, block) {
  parts <- lapply(split(labels, block), arrange)
  picks <- expand.grid(lapply(parts, function(p) seq_len(nrow(p))))
  t(apply(picks, 1, function(k) unlist(Map(function(p, i) p[i, ], parts, k))))
}
share <- function(stats, observed) mean(abs(stats) >= abs(observed) * (1 - 1e-9))
every <- function(x, labels, block, f) {
  stats <- apply(in_blocks(labels, block), 1, function(l) f(x, l, block))
  observed <- f(x, labels, block)
  c(observed, share(stats, observed), length(stats))
}
welch_t <- function(x, l, b) t.test(x[l == 1], x[l == 2])$statistic
welch_wald <- function(x, l, b) {
  w <- tapply(x, l, length) / tapply(x, l, var); m <- tapply(x, l, mean)
  sum(w * (m - sum(w * m) / sum(w))^2) / (length(m) - 1)
}
f_blocks <- function(x, l, b) anova(lm(x ~ factor(b)), lm(x ~ factor(b) + factor(l)))$F[2]
f_plain <- function(x, l, b) anova(lm(x ~ factor(l)))$F[1]
hc2 <- function(x, l, b) {  # Wald ratio of the labels with the HC2 covariance matrix of a model with blocks.
  X <- if (length(unique(b)) > 1) model.matrix(~ factor(b) + factor(l)) else model.matrix(~ factor(l))
  at <- (ncol(X) - length(unique(l)) + 2):ncol(X)
  bread <- solve(crossprod(X)); beta <- bread %*% crossprod(X, x)
  e <- as.vector(x - X %*% beta); h <- rowSums((X %*% bread) * X)
  V <- bread %*% crossprod(X * (e / sqrt(1 - h))) %*% bread
  drop(t(beta[at]) %*% solve(V[at, at], beta[at])) / length(at)
}
adjusted <- function(x, l, b) -coef(lm(x ~ factor(b) + factor(l)))[length(unique(b)) + 1]
px <- round(rnorm(12), 2)
l2 <- rep(1:2, c(4, 6)); l3 <- rep(1:3, c(2, 3, 3)); one <- rep(1, 12)
lb2 <- c(1, 1, 2, 1, 2, 2, 1, 2, 2, 1, 2, 1); b2 <- rep(1:3, each = 4)
lb3 <- c(1, 2, 3, 1, 2, 3, 1, 2, 3, 3, 2, 1); b3 <- rep(1:3, c(3, 3, 6))
pairs <- rep(1:6, each = 2); lp <- rep(1:2, 6)
lm3 <- c(1, 2, 3, 2, 1, 3, 3, 1, 2, 1, 2, 3); bm <- rep(1:3, each = 4)
hc2_t <- function(x, l, b) sign(adjusted(x, l, b)) * sqrt(hc2(x, l, b))
permutation <- list(x = px, cases = list(
  two = list(labels = l2, block = one[1:10], statistic = "studentised", r = every(px[1:10], l2, one[1:10], welch_t)),
  three = list(labels = l3, block = one[1:8], statistic = "studentised", r = every(px[1:8], l3, one[1:8], welch_wald)),
  three_plain = list(labels = l3, block = one[1:8], statistic = "difference", r = every(px[1:8], l3, one[1:8], f_plain)),
  blocks = list(labels = lb2, block = b2, statistic = "studentised", r = every(px, lb2, b2, hc2_t)),
  blocks_plain = list(labels = lb2, block = b2, statistic = "difference", r = every(px, lb2, b2, adjusted)),
  pairs = list(labels = lp, block = pairs, statistic = "studentised", r = every(px, lp, pairs, hc2_t)),
  three_blocks = list(labels = lb3, block = b3, statistic = "difference", r = every(px, lb3, b3, f_blocks)),
  three_blocks_robust = list(labels = lm3, block = bm, statistic = "studentised", r = every(px, lm3, bm, hc2))))
permutation$paired_t <- unname(t.test(px[lp == 1], px[lp == 2], paired = TRUE)$statistic)

# Whole clusters permuted: 8 clusters of unequal size with one label each, compared by their means.
cl <- rep(1:8, c(1, 2, 1, 3, 1, 2, 1, 1)); cl_label <- c(1, 1, 2, 1, 2, 2, 2, 1)
cl_means <- as.vector(tapply(px, cl, mean))
whole <- list(groups = cl, labels = cl_label[cl], r = every(cl_means, cl_label, rep(1, 8), welch_t))

cat(toJSON(list(R = R.version.string, boot = as.character(packageVersion("boot")), mean = mean_case,
  correlation = cor_case, two = two_case, x = v, units = of_unit, sign_flip = flips, group_flip = group_flips, bootstrap_t = many,
  permutation = permutation, whole = whole), digits = NA, auto_unbox = TRUE))
cat("\n")
