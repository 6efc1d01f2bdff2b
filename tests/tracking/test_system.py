from __future__ import annotations

import time

from restock.tracking.memory import MemoryTracker
from restock.tracking.system import system_metrics


def test_the_machines_load_is_logged_while_the_block_runs() -> None:
    run = MemoryTracker()
    with system_metrics(run, every=0.02):
        time.sleep(0.2)
    count = len(run.metrics["system/cpu_utilization_percentage"])
    assert count >= 2
    assert [step for step, _ in run.metrics["system/cpu_utilization_percentage"]] == list(
        range(count)
    )
    assert all(value > 1 for _, value in run.metrics["system/worker_memory_usage_megabytes"])
    time.sleep(0.1)
    assert len(run.metrics["system/cpu_utilization_percentage"]) == count
