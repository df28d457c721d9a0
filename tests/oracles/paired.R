# Make paired.json: Bradley-Terry fits with a position effect, by base glm, BradleyTerry2, brglm2, and the same bias
# reduction by base glm alone, iterated on outcomes that half of each leverage was added to.
# Rscript tests/oracles/paired.R > tests/oracles/paired.json
suppressMessages({library(BradleyTerry2); library(brglm2); library(jsonlite)})
set.seed(11)

# Rows: first, second (from 1), first wins. The last object is the reference; "place" is the effect of standing first.
design <- function(first, second, n) {
  x <- matrix(0, length(first), n)
  x[cbind(seq_along(first), first)] <- 1
  x[cbind(seq_along(second), second)] <- -1
  colnames(x) <- paste0("object", seq_len(n))
  cbind(x[, -n, drop = FALSE], place = 1)
}
centred <- function(estimate, covariance) {
  n <- length(estimate)
  turn <- rbind(diag(n - 1), 0) - 1 / n
  list(abilities = as.vector(turn %*% estimate[-n]), covariance = turn %*% covariance[-n, -n] %*% t(turn),
    position = unname(estimate[n]), error = sqrt(covariance[n, n]))
}
tight <- glm.control(epsilon = 1e-14, maxit = 200)
# Firth's score is that of outcomes y + h/2 of 1 + h trials; h are the leverages under the plain information.
firth <- function(x, y) {
  estimate <- rep(0, ncol(x))
  for (i in 1:500) {
    p <- as.vector(plogis(x %*% estimate)); w <- p * (1 - p)
    h <- w * rowSums((x %*% solve(crossprod(x, w * x))) * x)
    new <- suppressWarnings(glm.fit(x, (y + h / 2) / (1 + h), weights = 1 + h, family = binomial(), control = tight,
      start = estimate))$coefficients
    done <- max(abs(new - estimate)) < 1e-13
    estimate <- new
    if (done) break
  }
  p <- as.vector(plogis(x %*% estimate))
  centred(estimate, solve(crossprod(x, p * (1 - p) * x)))
}
reduced <- function(x, y) {
  fit <- suppressWarnings(glm(y ~ x - 1, family = binomial(), method = "brglm_fit", type = "AS_mean",
    control = list(epsilon = 1e-11, maxit = 2000)))
  centred(unname(coef(fit)), unname(vcov(fit)))
}
plain <- function(x, y) {
  fit <- glm(y ~ x - 1, family = binomial(), control = tight)
  centred(unname(coef(fit)), unname(vcov(fit)))
}

draw <- function(abilities, place, draws) {
  n <- length(abilities)
  all <- subset(expand.grid(first = 1:n, second = 1:n), first != second)
  all <- all[rep(seq_len(nrow(all)), draws), ]
  all$wins <- rbinom(nrow(all), 1, plogis(abilities[all$first] - abilities[all$second] + place))
  all
}
sets <- list(
  six = draw(c(1, .6, .2, -.2, -.6, -1), .4, 5),
  uneven = draw(c(1.5, 0, -.5, -1), -.7, 4)[sort(sample(48, 33)), ],
  separated = transform(draw(c(3, 2, 1, 0, -1), 0, 2), wins = as.numeric(first < second)),
  placed = transform(draw(rep(0, 4), 0, 3), wins = 1)
)
found <- lapply(sets, function(s) {
  n <- max(s$first, s$second)
  x <- design(s$first, s$second, n)
  entry <- list(n = n, first = s$first - 1, second = s$second - 1, wins = s$wins, firth = firth(x, s$wins),
    brglm2 = reduced(x, s$wins))
  estimable <- max(abs(plain(x, s$wins)$abilities)) < 8
  if (estimable && abs(plain(x, s$wins)$position) < 8) {
    entry$plain <- plain(x, s$wins)
    levels <- as.character(1:n)
    a <- data.frame(object = factor(s$first, levels, levels), place = 1)
    b <- data.frame(object = factor(s$second, levels, levels), place = 0)
    fit <- BTm(s$wins, a, b, formula = ~ object + place, id = "object", refcat = as.character(n),
      control = tight)
    entry$bt <- centred(unname(coef(fit)), unname(vcov(fit)))
    cell <- paste(s$first, s$second)
    grouped <- aggregate(cbind(wins = s$wins, trials = 1), list(first = s$first, second = s$second), sum)
    quasi <- glm(cbind(wins, trials - wins) ~ design(first, second, n) - 1, family = quasibinomial(), data = grouped,
      control = tight)
    entry$quasi <- c(list(dispersion = summary(quasi)$dispersion, df = quasi$df.residual),
      centred(unname(coef(quasi)), unname(vcov(quasi))))
  }
  entry
})
# Draws that agree too well with one another: five copies of one answer to each pair and order.
once <- draw(c(.2, .1, 0, -.1, -.2), .3, 1)
copies <- once[rep(seq_len(nrow(once)), 5), ]
g <- transform(once, wins = 5 * wins)
quasi <- glm(cbind(wins, 5 - wins) ~ design(first, second, 5) - 1, family = quasibinomial(), data = g, control = tight)
x <- design(copies$first, copies$second, 5)
found$copies <- list(n = 5, first = copies$first - 1, second = copies$second - 1, wins = copies$wins,
  firth = firth(x, copies$wins), brglm2 = reduced(x, copies$wins),
  quasi = c(list(dispersion = summary(quasi)$dispersion, df = quasi$df.residual), centred(unname(coef(quasi)),
    unname(vcov(quasi)))))

cat(toJSON(list(R = R.version.string, brglm2 = as.character(packageVersion("brglm2")),
  BradleyTerry2 = as.character(packageVersion("BradleyTerry2")), sets = found), digits = NA, auto_unbox = TRUE))
cat("\n")
