"""Log the use of processor and memory, with the metric names that MLflow's UI plots."""

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
    """Log the use of processor and memory while the block runs.

    Args:
        run: The run to log to.
        every: Seconds between two readings.
    """
    done = threading.Event()

    def sample() -> None:
        step = 0
        psutil.cpu_percent()  # the first reading is useless: it is relative to an earlier one
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
