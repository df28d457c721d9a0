# Make cluster.json: agreement of partitions (mclust, igraph), the Hungarian match (clue), modularity (igraph) and
# normalised spectral clustering (eigen + kmeans of base R).
# Rscript tests/oracles/cluster.R > tests/oracles/cluster.json
suppressMessages({library(jsonlite); library(mclust); library(igraph); library(clue)})
set.seed(20)

pairs <- list(
  unrelated = list(a = sample(4, 60, TRUE), b = sample(3, 60, TRUE)),
  alike = {a <- sample(5, 80, TRUE); b <- a; b[sample(80, 15)] <- sample(5, 15, TRUE); list(a = a, b = b)},
  nested = {a <- rep(1:6, each = 7); list(a = a, b = (a + 1) %/% 2)},
  one_cluster = list(a = rep(1, 12), b = rep(1:3, 4)),
  same = list(a = rep(1:3, 5), b = rep(c(2, 3, 1), 5)))
agreement <- lapply(pairs, function(p) c(p, list(
  ari = adjustedRandIndex(p$a, p$b),
  nmi = compare(p$a, p$b, method = "nmi"))))

table <- matrix(rpois(25, 6), 5)
match <- as.integer(solve_LSAP(table, maximum = TRUE))

n <- 45
block <- sample(3, n, TRUE)
affinity <- matrix(rpois(n * n, ifelse(outer(block, block, "=="), 4, 1.2)), n)
affinity <- pmax(affinity, t(affinity))
diag(affinity) <- 0
degree <- rowSums(affinity)
scale <- 1 / sqrt(degree + mean(degree))
vectors <- eigen(scale * t(scale * t(affinity)), symmetric = TRUE)$vectors[, 1:3]
vectors <- vectors / sqrt(rowSums(vectors^2))
spectral <- kmeans(vectors, 3, nstart = 100)$cluster
graph <- graph_from_adjacency_matrix(affinity, mode = "undirected", weighted = TRUE)

cat(toJSON(list(
  R = R.version.string, mclust = as.character(packageVersion("mclust")), igraph = as.character(packageVersion("igraph")),
  agreement = agreement, table = table, match = match, affinity = affinity,
  projector = vectors %*% t(vectors), spectral = spectral,
  modularity = modularity(graph, spectral, weights = E(graph)$weight)), digits = 15, auto_unbox = TRUE))
