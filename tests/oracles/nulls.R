# Means over null replicates: co-occurrence of shuffled 0/1 rows (vegan), eigenvalues of normal data (base R).
# Run: Rscript nulls.R (writes nulls.json beside itself)
suppressPackageStartupMessages({library(vegan); library(jsonlite)})
set.seed(5)
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))

x <- 1 * (matrix(runif(24 * 8), 24) < outer(seq(.9, .2, length.out = 24), seq(.9, .2, length.out = 8)))
x <- x[rowSums(x) > 0, colSums(x) > 0]
simulated <- simulate(nullmodel(x, "curveball"), nsim = 20000, burnin = 2000, thin = 100)
counts <- apply(simulated, 3, crossprod)
p <- ncol(x)

eigenvalues <- function(n, p, reps) {
  values <- replicate(reps, eigen(cor(matrix(rnorm(n * p), n)), TRUE, TRUE)$values)
  list(n = n, p = p, mean = rowMeans(values), sd = apply(values, 1, sd))
}
write(toJSON(list(
  versions = list(vegan = as.character(packageVersion("vegan"))),
  x = x, mean = matrix(rowMeans(counts), p), sd = matrix(apply(counts, 1, sd), p),
  normal = list(eigenvalues(40, 8, 20000), eigenvalues(6, 10, 20000), eigenvalues(11, 10, 20000))),
  digits = 15, auto_unbox = TRUE), file.path(here, "nulls.json"))
