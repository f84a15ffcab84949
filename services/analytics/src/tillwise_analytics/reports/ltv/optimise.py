"""Maximum likelihood: several starts on a sample, then Newton's method on everybody. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

Array = np.ndarray[Any, Any]
# The logarithm of a scaled parameter stays within: beyond, the likelihood is flat.
EDGE = 9.0
# The most promising starts that are followed to their end.
FOLLOWED = 3
# So many customers say well enough where the peak is; the last steps to it are taken with all of them.
SAMPLE = 4000
STEPS = 30


class Surface(NamedTuple):
    """A log-likelihood at a point, its gradient and its matrix of second derivatives."""

    value: float
    gradient: Array
    hessian: Array


class Optimum(NamedTuple):
    """Where the likelihood is highest; `at_edge`: it goes on rising, however little, where parameters lose their meaning."""

    point: Array
    value: float
    at_edge: bool


LogLikelihood = Callable[[Array], Surface]


def sample(customers: int) -> Array | slice:
    """Which of so many customers are looked at first: the same ones every time."""
    if customers <= SAMPLE:
        return slice(None)
    return np.sort(np.random.default_rng(0).choice(customers, SAMPLE, replace=False))


def maximise(sampled: LogLikelihood, of_all: LogLikelihood, starts: Sequence[Sequence[float]]) -> Optimum:
    """The best point, in logarithms of the parameters, found from the most promising starts."""
    promising = sorted((np.asarray(start, float) for start in starts), key=lambda start: -sampled(start).value)[:FOLLOWED]
    start = max((_climb(sampled, start) for start in promising), key=lambda found: found.value).point
    found = _newton(of_all, start) or _climb(of_all, start)
    return Optimum(found.point, found.value, bool(np.any(np.abs(found.point) > EDGE - 0.01)))


def _climb(log_likelihood: LogLikelihood, start: Array) -> Optimum:
    """Sure steps within bounds (L-BFGS-B)."""
    scale = max(1.0, abs(log_likelihood(np.clip(start, -EDGE, EDGE)).value))

    def downhill(point: Array) -> tuple[float, Array]:
        here = log_likelihood(point)
        return -here.value / scale, -here.gradient / scale

    options = {"ftol": 1e-13, "gtol": 1e-8, "maxiter": 300}
    found = minimize(
        downhill, np.clip(start, -EDGE, EDGE), jac=True, method="L-BFGS-B", bounds=[(-EDGE, EDGE)] * len(start), options=options
    )
    return Optimum(found.x, -float(found.fun) * scale, False)


def _newton(log_likelihood: LogLikelihood, start: Array) -> Optimum | None:
    """Quick steps where the surface is curved like a hill; None where it is not, or where they lead over the edge."""
    point, here = start, log_likelihood(start)
    for _ in range(STEPS):
        try:
            # Only a positive definite matrix has a factor.
            np.linalg.cholesky(-here.hessian)
        except np.linalg.LinAlgError:
            return None
        step = -np.linalg.solve(here.hessian, here.gradient)
        if np.abs(step).max() < 1e-7:
            return Optimum(point, here.value, False)
        while True:
            there = log_likelihood(point + step) if np.abs(point + step).max() < EDGE else None
            if there is not None and there.value >= here.value:
                break
            step = step / 2
            if np.abs(step).max() < 1e-9:
                return Optimum(point, here.value, False) if np.abs(point).max() < EDGE - 0.1 else None
        point, here = point + step, there
    return Optimum(point, here.value, False)
