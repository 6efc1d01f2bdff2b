"""prepare and featurize of the main job's data against reading the file with pandas alone."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from restock.settings.tree import load_params
from restock.stages.pipeline import PIPELINE
from restock.tracking.context import Context
from restock.tracking.memory import NullTracker
from restock.types.layout import RAW, Layout

RUNS = 3


class Silent:
    """A console nobody watches."""

    def note(self, message: str) -> None:
        """Say nothing."""


def seconds(work: Callable[[], object]) -> float:
    """Median wall time of a call."""
    taken = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def main() -> None:
    settings = load_params(Path("params.yaml"))
    root = Path(settings.output_dir)
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary)
        (target / RAW).symlink_to((root / RAW).resolve())
        context = Context(settings, Layout.at(target), target, Silent(), NullTracker())  # type: ignore[arg-type]
        (file,) = (root / RAW).iterdir()
        reading = seconds(lambda: pd.read_csv(file, dtype=str))
        preparing = seconds(lambda: PIPELINE["prepare"].run(context))
        featurizing = seconds(lambda: PIPELINE["featurize"].run(context))
    print(f"pandas.read_csv  {reading:.2f} s")
    print(f"prepare          {preparing:.2f} s   {preparing / reading:.1f} x reading")
    print(f"featurize        {featurizing:.2f} s   {featurizing / reading:.1f} x reading")


if __name__ == "__main__":
    main()
