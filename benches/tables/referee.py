"""The scores of the optimum itself for tables on which Luthier and scikit-learn differ: in 50 digits, or where that takes too
long in 16, of scaled features and with a gradient that shows that it is the optimum."""

import mpmath as mp
import numpy as np
from sklearn_side import SMALLEST, Fold
from tasks import REG_PARAM

mp.mp.dps = 50
MOST = 60_000_000  # multiplications that are waited for


def score(fold: Fold, is_class: bool) -> float | None:
    """The score at the optimum; `None` where it is not defined or would take too long."""
    if not is_class:
        return ridge(fold)
    return logistic(fold) if fold.is_defined else None


def exact(matrix: np.ndarray) -> np.ndarray:
    return np.vectorize(mp.mpf, otypes=[object])(matrix)


def solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array([value for value in mp.lu_solve(mp.matrix(a.tolist()), mp.matrix(b.tolist()))], object)


def ridge(fold: Fold) -> float | None:
    n, p = fold.x.shape
    if n * min(n, p) * p > MOST // 20:
        return None
    x, y = exact(fold.x), exact(fold.y)
    centre, mean = x.sum(axis=0) / n, y.sum() / n
    x = x - centre
    alpha = mp.mpf(fold.alpha)
    if p <= n:
        weights = solve(x.T @ x + alpha * np.eye(p, dtype=object), x.T @ (y - mean))
    else:
        weights = x.T @ solve(x @ x.T + alpha * np.eye(n, dtype=object), y - mean)
    errors = exact(fold.y_test) - mean - (exact(fold.x_test) - centre) @ weights
    return float(mp.sqrt((errors * errors).sum() / len(errors)))


def logistic(fold: Fold) -> float | None:
    """Newton's method; of two classes the second has the margins, of more each has its own, the first without intercept."""
    classes = fold.classes
    n, p = fold.x.shape
    free = 1 if len(classes) == 2 else len(classes)
    size = free * (p + 1)
    if n * size * size * 12 > MOST // 20:
        return logistic_in_floats(fold)
    ones = lambda x: np.hstack([exact(x), np.ones((len(x), 1), object)])
    x, x_test = ones(fold.x), ones(fold.x_test)
    wanted = np.array([[mp.mpf(int(label == name)) for name in classes] for label in fold.y], object)
    penalty = np.array([mp.mpf(REG_PARAM) * n] * p + [mp.mpf(0)], object)

    def probabilities(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        margins = rows @ weights.T
        if free == 1:
            margins = np.hstack([np.zeros((len(rows), 1), object), margins])
        margins = margins - margins.max(axis=1)[:, None]
        powers = np.vectorize(mp.exp, otypes=[object])(margins)
        return powers / powers.sum(axis=1)[:, None]

    def objective(weights: np.ndarray) -> mp.mpf:
        chosen = (probabilities(x, weights) * wanted).sum(axis=1)
        return -sum(mp.log(value) for value in chosen) + (penalty * weights * weights).sum() / 2

    weights = np.zeros((free, p + 1), object) + mp.mpf(0)
    value = objective(weights)
    for _ in range(60):
        shares = probabilities(x, weights)[:, -free:]
        gradient = (shares - wanted[:, -free:]).T @ x + penalty * weights
        hessian = np.zeros((size, size), object) + mp.mpf(0)
        for a in range(free):
            for b in range(free):
                curvature = shares[:, a] * (int(a == b) - shares[:, b])
                block = x.T @ (curvature[:, None] * x)
                if a == b:
                    block = block + np.diag(penalty)
                hessian[a * (p + 1) : (a + 1) * (p + 1), b * (p + 1) : (b + 1) * (p + 1)] = block
        if free > 1:
            # Intercepts may be shifted together.
            hessian[p, p] += 1
        step = solve(hessian, -gradient.ravel()).reshape(weights.shape)
        length = mp.mpf(1)
        while objective(weights + length * step) > value and length > mp.mpf(2) ** -40:
            length /= 2
        weights = weights + length * step
        before, value = value, objective(weights)
        if abs(before - value) < mp.mpf(10) ** -25 * abs(value):
            break
    place = {name: column for column, name in enumerate(classes)}
    chosen = probabilities(x_test, weights)[range(len(x_test)), [place[label] for label in fold.y_test]]
    bounded = [min(max(value, mp.mpf(SMALLEST)), 1 - mp.mpf(SMALLEST)) for value in chosen]
    return float(-sum(mp.log(value) for value in bounded) / len(bounded))


def logistic_in_floats(fold: Fold) -> float | None:
    """Newton's method on features of mean 0 and deviation 1, with their penalty in these units."""
    classes = fold.classes
    n, p = fold.x.shape
    free = 1 if len(classes) == 2 else len(classes)
    size = free * (p + 1)
    if n * size * size > 3e10 or size > 4000:
        return None
    mean, spread = fold.x.mean(axis=0), fold.x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    scaled = lambda x: np.hstack([(x - mean) / spread, np.ones((len(x), 1))])
    x, x_test = scaled(fold.x), scaled(fold.x_test)
    wanted = np.array([[float(label == name) for name in classes] for label in fold.y])
    penalty = np.append(REG_PARAM * n / spread**2, 0.0)

    def log_probabilities(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        margins = rows @ weights.T
        if free == 1:
            margins = np.hstack([np.zeros((len(rows), 1)), margins])
        margins = margins - margins.max(axis=1)[:, None]
        return margins - np.log(np.exp(margins).sum(axis=1))[:, None]

    def objective(weights: np.ndarray) -> float:
        return -(log_probabilities(x, weights) * wanted).sum() + (penalty * weights * weights).sum() / 2

    weights = np.zeros((free, p + 1))
    for _ in range(200):
        shares = np.exp(log_probabilities(x, weights))[:, -free:]
        gradient = (shares - wanted[:, -free:]).T @ x + penalty * weights
        if np.abs(gradient).max() < 1e-11 * n:
            break
        hessian = np.zeros((size, size))
        for a in range(free):
            for b in range(free):
                block = x.T @ ((shares[:, a] * (float(a == b) - shares[:, b]))[:, None] * x)
                block += np.diag(penalty) if a == b else 0.0
                hessian[a * (p + 1) : (a + 1) * (p + 1), b * (p + 1) : (b + 1) * (p + 1)] = block
        if free > 1:
            hessian[p, p] += 1
        step = np.linalg.solve(hessian, -gradient.ravel()).reshape(weights.shape)
        length, value = 1.0, objective(weights)
        while objective(weights + length * step) > value and length > 1e-9:
            length /= 2
        weights = weights + length * step
    else:
        return None
    place = {name: column for column, name in enumerate(classes)}
    chosen = log_probabilities(x_test, weights)[range(len(x_test)), [place[label] for label in fold.y_test]]
    return float(-np.clip(chosen, np.log(SMALLEST), np.log1p(-SMALLEST)).mean())
