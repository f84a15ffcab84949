"""Maximum likelihood by Newton's method: from several starts on a sample, then with everybody. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
# The logarithm of a scaled parameter stays within: beyond, the likelihood is flat.
EDGE = 9.0
# The most promising starts that are followed to their end.
FOLLOWED = 3
# So many customers say well enough where the peak is; the last steps to it are taken with all of them.
SAMPLE = 4000
STEPS = 100
# The longest step in the logarithm of a parameter.
LONGEST = 2.0
# A log-likelihood that can rise by less is at its peak.
LITTLE = 1e-8


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
    start = max((climb(sampled, start) for start in promising), key=lambda found: found.value).point
    return climb(of_all, start)


def climb(log_likelihood: LogLikelihood, start: Array) -> Optimum:
    """Newton's steps, damped where the surface is not curved like a hill (Levenberg 1944), until nothing is left to be gained."""
    point, here, damping = np.clip(start, -EDGE, EDGE), log_likelihood(np.clip(start, -EDGE, EDGE)), 0.0
    for _ in range(STEPS):
        # A parameter at the edge that would leave stays there.
        free = np.flatnonzero((np.abs(point) < EDGE) | (point * here.gradient < 0))
        bend, axes = np.linalg.eigh(-here.hessian[np.ix_(free, free)])
        slope = axes.T @ here.gradient[free]
        # So much that the surface curves downwards in every direction.
        least = max(0.0, 1e-9 * float(np.abs(bend).max(initial=0.0)) - float(bend.min(initial=0.0)))
        while True:
            step = slope / (bend + least + damping)
            if slope @ step < LITTLE:
                return _optimum(point, here)
            way = np.zeros_like(point)
            way[free] = axes @ step
            target = np.clip(point + way * min(1.0, LONGEST / float(np.abs(way).max())), -EDGE, EDGE)
            there = log_likelihood(target)
            if there.value > here.value:
                break
            damping = max(damping * 10, float(np.abs(bend).max()) * 1e-3)
        point, here, damping = target, there, damping / 10
    return _optimum(point, here)


def _optimum(point: Array, here: Surface) -> Optimum:
    return Optimum(point, here.value, bool(np.any(np.abs(point) > EDGE - 0.01)))
