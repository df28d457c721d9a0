# Make variance.json: components of variance, restricted likelihood and mean squares on simulated designs and on
# lme4's Penicillin, by lme4::lmer and aov, and coefficients of decision studies by formula.
# Rscript tests/oracles/variance.R > tests/oracles/variance.json
suppressMessages({library(lme4); library(jsonlite)})
options(digits = 15, contrasts = c("contr.sum", "contr.sum"))
control <- lmerControl(
  optimizer = "bobyqa", optCtrl = list(rhobeg = 0.2, rhoend = 1e-10, maxfun = 100000), calc.derivs = FALSE,
  check.conv.singular = "ignore"
)

effect <- function(...) {
  cell <- interaction(..., drop = TRUE)
  rnorm(nlevels(cell))[as.integer(cell)]
}

fit <- function(data, terms) {
  formula <- as.formula(paste("y ~ 1 +", paste0("(1 | ", terms, ")", collapse = " + ")))
  m <- lmer(formula, data, REML = TRUE, control = control)
  vc <- as.data.frame(VarCorr(m))
  list(
    variance = c(vc$vcov[match(terms, vc$grp)], sigma(m)^2), criterion = REMLcrit(m),
    intercept = unname(fixef(m)), intercept_se = sqrt(vcov(m)[1, 1])
  )
}

case <- function(data, facets, design, terms) {
  labels <- lapply(data[facets], function(f) as.integer(f))
  c(list(design = design, scores = data$y, labels = labels, terms = terms), fit(data, terms))
}

mean_squares <- function(data, formula) {
  table <- anova(lm(formula, data))
  list(mean_squares = table$`Mean Sq`, df = table$Df, names = rownames(table))
}

out <- list(R = R.version.string, lme4 = as.character(packageVersion("lme4")))

out$penicillin <- case(
  transform(Penicillin, y = diameter), c("plate", "sample"), "plate x sample", c("plate", "sample")
)

set.seed(20)
crossed <- expand.grid(p = factor(1:40), i = factor(1:20), j = factor(1:3))
crossed$y <- with(crossed, round(3 + 0.6 * effect(p) + 0.45 * effect(i) + 0.5 * effect(j) + 0.42 * effect(p, i) +
  0.22 * effect(p, j) + 0.1 * effect(i, j) + 0.6 * rnorm(length(p)), 4))
three <- c("p", "i", "j", "p:i", "p:j", "i:j")
facets <- c("p", "i", "j")
out$crossed <- case(crossed, facets, "p x i x j", three)
out$crossed$anova <- mean_squares(crossed, y ~ p * i * j - p:i:j)
v <- out$crossed$variance
grid <- expand.grid(i = c(5, 20, 60), j = c(1, 3, 10))
relative <- v[4] / grid$i + v[5] / grid$j + v[7] / grid$i / grid$j
absolute <- relative + v[2] / grid$i + v[3] / grid$j + v[6] / grid$i / grid$j
mixed <- v[1] + v[5] / 3
mixed_error <- v[4] / c(5, 20, 60) + v[7] / c(5, 20, 60) / 3
out$crossed$decision <- list(
  i = grid$i, j = grid$j, relative = relative, absolute = absolute, generalizability = v[1] / (v[1] + relative),
  dependability = v[1] / (v[1] + absolute), fixed_j_generalizability = mixed / (mixed + mixed_error)
)

missing <- crossed[sort(sample(nrow(crossed), round(0.7 * nrow(crossed)))), ]
out$missing <- case(missing, facets, "p x i x j", three)

set.seed(21)
nested <- expand.grid(p = 1:30, i = 1:5, h = 1:6)
nested <- transform(nested, p = factor(p), h = factor(h), i = factor(i + 5 * (h - 1)))
nested$y <- with(nested, round(0.8 * effect(p) + 0.5 * effect(h) + 0.4 * effect(i) + 0.4 * effect(p, h) +
  0.9 * rnorm(length(p)), 4))
out$nested <- case(nested, c("p", "i", "h"), "p x (i:h)", c("p", "h", "i", "p:h"))
out$nested$anova <- mean_squares(nested, y ~ p + h + h:i + p:h)
keep <- sort(sample(nrow(nested), round(0.8 * nrow(nested))))
out$nested_missing <- case(nested[keep, ], c("p", "i", "h"), "p x (i:h)", c("p", "h", "i", "p:h"))

set.seed(22)
grouped <- do.call(rbind, lapply(1:8, function(g) {
  expand.grid(p = 100 * g + seq_len(2 + g %% 4), i = 1:12, g = g)
}))
grouped <- transform(grouped, p = factor(p), i = factor(i), g = factor(g))
grouped$y <- with(grouped, round(0.7 * effect(g) + 0.6 * effect(p) + 0.4 * effect(i) + 0.3 * effect(g, i) +
  0.8 * rnorm(length(p)), 4))
out$grouped <- case(grouped, c("p", "g", "i"), "(p:g) x i", c("g", "p", "i", "g:i"))

set.seed(23)
flat <- expand.grid(p = factor(1:25), i = factor(1:10), j = factor(1:4))
flat$y <- with(flat, round(0.7 * effect(p) + 0.5 * effect(i) + 0.5 * effect(p, i) + rnorm(length(p)), 4))
flat <- flat[sort(sample(nrow(flat), 800)), ]
out$singular <- case(flat, facets, "p x i x j", three)

set.seed(24)
repeated <- expand.grid(p = factor(1:20), i = factor(1:8))
repeated <- repeated[rep(seq_len(nrow(repeated)), times = sample(1:5, nrow(repeated), replace = TRUE)), ]
repeated$y <- with(repeated, round(10 + 1.1 * effect(p) + 0.6 * effect(i) + 0.5 * effect(p, i) +
  0.7 * rnorm(length(p)), 4))
out$repeated <- case(repeated, c("p", "i"), "p x i", c("p", "i", "p:i"))
out$additive <- c(
  list(effects = list("p", "i")), case(repeated, c("p", "i"), "p x i without p:i", c("p", "i"))
)

set.seed(25)
even <- expand.grid(draw = 1:3, p = factor(1:15), i = factor(1:6))
even$y <- with(even, round(effect(p) + 0.5 * effect(i) + 0.6 * effect(p, i) + 0.8 * rnorm(length(p)), 4))
out$even <- case(even, c("p", "i"), "p x i", c("p", "i", "p:i"))
out$even$anova <- mean_squares(even, y ~ p * i)

set.seed(26)
four <- expand.grid(p = factor(1:12), i = factor(1:7), j = factor(1:3), k = factor(1:4))
four$y <- with(four, round(effect(p) + 0.8 * effect(i) + 0.6 * effect(j) + 0.7 * effect(k) + 0.5 * effect(p, i) +
  0.5 * effect(p, j) + 0.4 * effect(p, k) + 0.6 * effect(i, j) + 0.5 * effect(i, k) + 0.5 * effect(j, k) +
  0.4 * effect(p, i, j) + 0.5 * effect(p, i, k) + 0.4 * effect(p, j, k) + 0.4 * effect(i, j, k) +
  0.7 * rnorm(length(p)), 4))
four <- four[sort(sample(nrow(four), 900)), ]
out$four <- case(four, c("p", "i", "j", "k"), "p x i x j x k", c(
  "p", "i", "j", "k", "p:i", "p:j", "p:k", "i:j", "i:k", "j:k", "p:i:j", "p:i:k", "p:j:k", "i:j:k"
))

cat(toJSON(out, digits = NA, auto_unbox = TRUE), "\n")
