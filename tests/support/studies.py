"""Studies with a cheap objective, run in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from restock.settings.tree import Settings
from restock.sweeps.loop import Report, work
from restock.sweeps.optuna.queue import OptunaQueue
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.optuna.supervisor import Supervisor
from restock.sweeps.queue import Claim
from restock.sweeps.spec import Sweep, freeze
from restock.tracking.memory import MemoryTracker
from restock.training.outcome import Outcome
from support.builders import settings
from support.cheap_sweep import SPACE, bowl, measured

CONFIGURED = {"model.units": 20, "model.dropout": 0.1, "training.batch_size": 64}
ROUNDS = 3


class Hold(OptunaQueue, Supervisor):
    """One process that is a worker of a sweep and its launcher."""

    def __init__(self, opened: OpenStudy) -> None:
        OptunaQueue.__init__(self, opened)
        Supervisor.__init__(self, opened)


def launched(url: str, num_trials: int = 6, **search: Any) -> Hold:
    made = configured(num_trials=num_trials, **search)
    return Hold(OpenStudy.create(url, frozen(made), made.engine, num_trials))


def joined(url: str, other: Hold) -> Hold:
    """Another process's hold on the same sweep."""
    return Hold(OpenStudy.open(url, other.name, other.engine))


def frozen(made: Settings, data: str = "d") -> Sweep:
    config = made.model_dump(mode="json")
    return freeze(config, name=made.sweep.name, data=data, commit="c")


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
    found = []
    for done in range(ROUNDS):
        value = bowl(claim.values, done)
        found.append(measured(done, ROUNDS, value, value - 0.1, value + 0.1))
        report(found[-1])
    return Outcome.of(found)


def worked(hold: Hold, run: Any = measure, worker: str = "w") -> MemoryTracker:
    tracker = MemoryTracker()

    @contextmanager
    def open_run(claim: Claim) -> Iterator[MemoryTracker]:
        with tracker.child(f"trial {claim.slot}") as child:
            yield child

    work(hold, run, open_run, worker=worker, should_stop=lambda: False)
    return tracker


@contextmanager
def closing_studies() -> Iterator[None]:
    """Close every study that the block opens."""
    opened: list[OpenStudy] = []
    original = OpenStudy.open.__func__  # type: ignore[attr-defined]

    def remember(cls: type[OpenStudy], *args: Any, **kwargs: Any) -> OpenStudy:
        opened.append(original(cls, *args, **kwargs))
        return opened[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OpenStudy, "open", classmethod(remember))
        yield
    for study in opened:
        study.close()
