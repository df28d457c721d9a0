# Make inference.json: Holm's adjustment, exact sign-flip p-values and the studentised bootstrap, in base R.
# Rscript tests/oracles/inference.R > tests/oracles/inference.json
options(digits = 15)
p <- c(0.01, 0.04, 0.03, 0.005, 0.2, 0.0001, 0.04, 0.9)
x <- c(0.4, -0.1, 0.7, 0.3, 0.2, -0.2, 0.5, 0.9, 0.1, 0.6, -0.3, 0.8)

signs <- as.matrix(expand.grid(rep(list(c(-1, 1)), length(x))))
exact <- mean(abs(signs %*% x) >= abs(sum(x)) - 1e-9)

set.seed(1)
n <- length(x)
t_star <- replicate(400000, {
  y <- x[sample.int(n, n, replace = TRUE)]
  (mean(y) - mean(x)) / (sd(y) / sqrt(n))
})
q <- quantile(t_star, c(0.025, 0.975), names = FALSE)
se <- sd(x) / sqrt(n)

row <- function(v) paste0("[", paste(format(v, digits = 12), collapse = ", "), "]")
cat(sprintf('{"R": "%s", "p": %s, "holm": %s, "x": %s, "sign_flip": %.12f, "bootstrap_t": %s, "d": %.12f}\n',
  R.version.string, row(p), row(p.adjust(p, "holm")), row(x), exact,
  row(c(mean(x), mean(x) - q[2] * se, mean(x) - q[1] * se)), mean(x) / sd(x)))
