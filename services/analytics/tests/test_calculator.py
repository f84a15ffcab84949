"""Long computations run beside the service."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator

import pytest

from tillwise_analytics.calculator import Calculator, TooSlow


def get_ready() -> None:
    import statsmodels  # noqa: F401


def loaded() -> set[str]:
    return {name.partition(".")[0] for name in sys.modules}


@pytest.fixture
async def calculator() -> AsyncIterator[Calculator]:
    found = Calculator()
    await found.start()
    yield found
    await found.close()


async def test_computes_in_another_process(calculator):
    elsewhere = await calculator.run(30, os.getpid)
    assert elsewhere != os.getpid()
    assert await calculator.run(30, os.getpid) == elsewhere


async def test_what_the_function_raises_reaches_the_asker(calculator):
    with pytest.raises(ValueError, match="math domain"):
        await calculator.run(30, __import__("math").sqrt, -1)


async def test_computation_that_takes_too_long_is_called_off_and_the_next_one_runs(calculator):
    first = await calculator.run(30, os.getpid)
    with pytest.raises(TooSlow, match="sleep"):
        await calculator.run(0.2, time.sleep, 60)
    assert await calculator.run(30, os.getpid) != first


async def test_process_that_died_is_replaced(calculator):
    os.kill(await calculator.run(30, os.getpid), signal.SIGKILL)
    assert await calculator.run(30, abs, -2) == 2


async def test_cancelled_asker_ends_the_computation(calculator):
    await calculator.run(30, os.getpid)
    task = asyncio.create_task(calculator.run(60, time.sleep, 60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await calculator.run(30, abs, -3) == 3


async def test_who_gives_up_on_a_process_that_gets_ready_leaves_it_to_the_next_one(calculator):
    with pytest.raises(TooSlow):
        await calculator.run(0.001, abs, -1)
    begun = calculator._pool
    assert await calculator.run(30, abs, -4) == 4
    assert calculator._pool is begun


async def test_a_module_gets_ready_once_before_its_first_function(calculator):
    assert "statsmodels" in (await calculator.run(60, loaded))
