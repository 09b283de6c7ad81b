"""Loops are ended for good."""

import asyncio

from wheelyard.coordinator.farm.steadiness import end


def test_a_task_that_passes_over_a_cancellation_is_ended_all_the_same() -> None:
    async def scenario() -> int:
        told = 0

        async def deaf() -> None:
            nonlocal told
            while told < 2:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    told += 1

        task = asyncio.create_task(deaf())
        await asyncio.sleep(0)
        async with asyncio.timeout(20):
            await end([task])
        return told

    assert asyncio.run(scenario()) == 2
