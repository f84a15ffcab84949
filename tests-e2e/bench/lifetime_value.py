"""The models of lifetime value on 200,000 simulated customers, beside PyPI's Lifetimes on the same customers.

Lifetimes is no dependency of ours. It is looked for in the environment whose Python the variable LIFETIMES_PYTHON names, else in this
one; each fits in a process of its own, on one core.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

CUSTOMERS = 200_000
ROUNDS = 5
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
OURS = """
import json, sys, time
import numpy as np
from tillwise_analytics.reports.ltv import bgnbd, gamma_gamma
x, t_x, age, cents = np.load(sys.argv[1])
again = (x > 0) & (cents > 0)
begin = time.perf_counter(); model = bgnbd.fit(x, t_x, age)
middle = time.perf_counter(); spend = gamma_gamma.fit(x[again], cents[again])
end = time.perf_counter(); spend = spend.in_units(100)
found = [model.r, model.alpha, model.a, model.b, spend.p, spend.q, spend.gamma]
print(json.dumps({"seconds": [middle - begin, end - middle], "parameters": found}))
"""
LIFETIMES = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
from lifetimes import BetaGeoFitter, GammaGammaFitter
x, t_x, age, cents = np.load(sys.argv[1])
again = (x > 0) & (cents > 0)
begin = time.perf_counter(); model = BetaGeoFitter().fit(x, t_x, age)
middle = time.perf_counter(); spend = GammaGammaFitter().fit(x[again], cents[again] / 100 / x[again])
end = time.perf_counter()
found = [float(model.params_[n]) for n in ("r", "alpha", "a", "b")] + [float(spend.params_[n]) for n in ("p", "q", "v")]
print(json.dumps({"seconds": [middle - begin, end - middle], "parameters": found}))
"""


def measure(results: Any) -> None:
    """Add the times of both models to the results, with the ratio to Lifetimes where that is installed."""
    peer = os.environ.get("LIFETIMES_PYTHON") or sys.executable
    with tempfile.TemporaryDirectory(prefix="tillwise-bench-") as folder:
        data = Path(folder) / "customers.npy"
        np.save(data, simulated())
        has_peer = subprocess.run([peer, "-c", "import lifetimes"], capture_output=True).returncode == 0
        # They take turns, so that both see the same machine.
        rounds = [(_run(sys.executable, OURS, data), _run(peer, LIFETIMES, data) if has_peer else None) for _ in range(ROUNDS)]
    _tell(results, rounds)


def _tell(results: Any, rounds: list[tuple[dict[str, Any], dict[str, Any] | None]]) -> None:
    for at, name in enumerate(("BG/NBD", "Gamma-Gamma")):
        results.add(f"{name} fitted to {CUSTOMERS:,} customers", statistics.median(ours["seconds"][at] for ours, _ in rounds) * 1000, "ms")
    pairs = [(sum(ours["seconds"]), sum(peer["seconds"])) for ours, peer in rounds if peer is not None]
    if not pairs:
        print("  beside Lifetimes: skipped, it is not here (pip install lifetimes, in an environment that LIFETIMES_PYTHON names)")
        return
    for (ours, peer), (_, seconds) in zip(rounds, pairs, strict=True):
        assert peer is not None
        assert np.allclose(ours["parameters"], peer["parameters"], rtol=1e-2), (ours, peer, seconds)
    ratio = statistics.median(peer / ours for ours, peer in pairs)
    results.add("both models, times as fast as Lifetimes", ratio, "x", bar=">= 10")


def _run(python: str, program: str, data: Path) -> dict[str, Any]:
    done = subprocess.run([python, "-c", program, str(data)], env={**os.environ, **ONE_CORE}, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def simulated(customers: int = CUSTOMERS) -> np.ndarray:
    """Customers of the models' own making: repeat purchases, days until the last and since the first one, cents of repeat purchases."""
    dice = np.random.default_rng(7)
    age = dice.integers(30, 730, customers)
    rate, leaves = dice.gamma(0.5, 1 / 40, customers), dice.beta(0.8, 2.5, customers)
    x, now, last, active = np.zeros(customers, np.int64), np.zeros(customers), np.zeros(customers), np.arange(customers)
    while len(active):
        now[active] += dice.exponential(1 / rate[active])
        active = active[now[active] <= age[active]]
        x[active] += 1
        last[active] = now[active]
        active = active[dice.random(len(active)) >= leaves[active]]
    cents, again = np.zeros(customers, np.int64), x > 0
    cents[again] = np.rint(100 * dice.gamma(6.25 * x[again], 1 / dice.gamma(3.7, 1 / 15.4, int(again.sum()))))
    return np.stack((x, np.ceil(last).astype(np.int64), age, cents))
