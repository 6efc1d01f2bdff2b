"""What the engine costs beside the trials, and how busy it keeps its workers.

    python -m benchmarks.sweep.overhead

Trials only sleep, so that the machine's load does not matter. Limits: at most 1 s a trial and 3 %
of the sweep's wall time with trials of 30 s; workers busy at least 95 % of the time with
exponentially distributed trials, beside what a scheme with a barrier after each batch reaches.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.sweep.cheap import busy, launch, seconds, settings

WORKERS = 2


def barrier_share(lengths: list[float], workers: int) -> float:
    """Share of the time that workers are busy if each batch waits for its slowest trial."""
    batches = [lengths[at : at + workers] for at in range(0, len(lengths), workers)]
    return sum(lengths) / (workers * sum(max(batch) for batch in batches))


def between(spans: np.ndarray, workers: int) -> tuple[float, float]:
    """Seconds a trial beside work, and its share of the time, from first start to last end."""
    starts, ends, worked = spans.T
    whole = workers * (ends.max() - starts.min())
    return (whole - worked.sum()) / len(spans), 1 - worked.sum() / whole


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for epochs, long, count in ((12, 30.0, 6), (12, 3.0, 20)):
            folder = root / f"fixed-{long}"
            chosen = settings(count, "tpe", epochs, num_workers=WORKERS)
            wall = launch(folder, f"sqlite:///{folder}.db", chosen, seconds=long, save=True)
            each, share = between(busy(folder), WORKERS)
            limits = "limits 1 s, 3 %" if long == 30 else "no limit"
            ends = wall - count * (long + each) / WORKERS
            print(
                f"trials of {long:.0f} s, {epochs} epochs, {count} trials, {WORKERS} workers: "
                f"{each:.3f} s a trial beside work, {share:.1%} ({limits}); "
                f"start and end of workers {ends:.1f} s"
            )
        folder, count = root / "exponential", 60
        chosen = settings(count, "tpe", 4, num_workers=WORKERS)
        launch(folder, f"sqlite:///{folder}.db", chosen, seconds=4.0, exponential=True)
        starts, ends, _ = busy(folder).T
        # The tail, when no trial is left to take, is no worker's fault: until the last is taken.
        spent = np.minimum(ends, starts.max()) - starts
        kept = spent.sum() / (WORKERS * (starts.max() - starts.min()))
        whole = (ends - starts).sum() / (WORKERS * (ends.max() - starts.min()))
        lengths = [seconds({"seconds": 4.0, "exponential": True}, slot) for slot in range(count)]
        print(
            f"exponential trials of 4 s on average: busy {kept:.1%} until the last is taken "
            f"(limit 95 %), {whole:.1%} to the end; with a barrier a batch "
            f"{barrier_share(lengths, WORKERS):.1%}; longest trial "
            f"{max(lengths) / statistics.mean(lengths):.1f} times the mean"
        )


if __name__ == "__main__":
    main()
