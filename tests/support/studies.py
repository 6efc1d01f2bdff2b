"""Studies with a cheap objective, worked off in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from restock.settings.tree import Settings
from restock.sweeps.loop import Claim, Report, work
from restock.sweeps.optuna.queue import OptunaLedger
from restock.sweeps.results import Outcome
from restock.sweeps.spec import freeze
from restock.tracking.memory import MemoryTracker
from support.builders import settings
from support.cheap_sweep import SPACE, bowl

CONFIGURED = {"model.units": 20, "model.dropout": 0.1, "training.batch_size": 64}
EPOCHS = 3


def launched(url: str, num_trials: int = 6, **search: Any) -> OptunaLedger:
    frozen = configured(num_trials=num_trials, **search)
    sweep = freeze(frozen, data="d", commit="c")
    return OptunaLedger.launch(url, sweep, frozen.engine, num_trials)


def configured(**search: Any) -> Settings:
    engine = search.pop("engine", {})
    seed = search.pop("seed", None)
    training = search.pop("training", {})
    made = settings(
        training=training,
        model={"dropout": 0.1, "units": 20},
        search={"name": "s", "space": SPACE, **search},
        engine=engine,
    )
    return made if seed is None else made.model_copy(update={"seed": seed})


def measure(claim: Claim, report: Report, _: object = None) -> Outcome:
    curve = [bowl(claim.values, epoch) for epoch in range(EPOCHS)]
    for epoch, value in enumerate(curve):
        report(epoch, [value - 0.1, value + 0.1])
    folds = tuple(tuple(value + off for value in curve) for off in (-0.1, 0.1))
    return Outcome(curve[-1], EPOCHS, tuple(curve), folds)


def worked(ledger: OptunaLedger, run: Any = measure, worker: str = "w") -> MemoryTracker:
    tracker = MemoryTracker()

    @contextmanager
    def open_run(claim: Claim) -> Iterator[MemoryTracker]:
        with tracker.child(f"trial {claim.slot}") as child:
            yield child

    work(ledger, run, open_run, worker=worker, should_stop=lambda: False)
    return tracker


@contextmanager
def closing_ledgers() -> Iterator[None]:
    """Close every ledger that the block opens."""
    opened: list[OptunaLedger] = []
    original = OptunaLedger.__init__

    def remember(self: OptunaLedger, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        opened.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OptunaLedger, "__init__", remember)
        yield
    for ledger in opened:
        ledger.close()
