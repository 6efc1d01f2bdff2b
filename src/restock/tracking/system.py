"""Processor and memory of the machine, under the names that MLflow's interface draws."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from restock.tracking.protocol import Tracker

EVERY = 10.0  # seconds
MEGABYTE = 1e6


@contextmanager
def system_metrics(run: Tracker, *, every: float = EVERY) -> Iterator[None]:
    """Log how busy the machine is while the block runs.

    Args:
        run: Where to.
        every: Seconds between two readings.
    """
    done = threading.Event()

    def sample() -> None:
        step = 0
        psutil.cpu_percent()  # the first reading has nothing to compare with
        while not done.wait(every):
            run.log_metrics(_reading(), step=step)
            step += 1

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _reading() -> dict[str, float]:
    memory, own = psutil.virtual_memory(), psutil.Process().memory_info()
    return {
        "system/cpu_utilization_percentage": psutil.cpu_percent(),
        "system/system_memory_usage_megabytes": memory.used / MEGABYTE,
        "system/system_memory_usage_percentage": memory.percent,
        "system/worker_memory_usage_megabytes": own.rss / MEGABYTE,
    }
