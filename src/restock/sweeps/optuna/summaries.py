"""The list of sweeps with their states, counted by a few queries in the database.

Optuna would first build every trial of every study, and takes a second to import. Counting in the
database is fast even with tens of thousands of trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import column, func, select, table
from sqlalchemy.exc import SQLAlchemyError

from restock.errors import UnreachableError
from restock.sweeps.keys import ERROR, NUM_TRIALS, STOP, SWEEP, WORKER
from restock.sweeps.optuna.url import dialect_of, path_of

# Of Optuna's tables, the columns that are read here.
STUDY = table("studies", column("study_id"), column("study_name"))
STUDY_ATTRIBUTE = table(
    "study_user_attributes", column("study_id"), column("key"), column("value_json")
)
TRIAL = table(
    "trials", column("trial_id"), column("study_id"), column("state"), column("datetime_start")
)
VALUE = table("trial_values", column("trial_id"), column("objective"), column("value"))
TRIAL_ATTRIBUTE = table(
    "trial_user_attributes", column("trial_id"), column("key"), column("value_json")
)


@dataclass(frozen=True)
class SweepSummary:
    """The state of a sweep, in one line.

    Attributes:
        name: Name of the sweep.
        total: Number of trials it will have.
        states: Number of attempts by state: complete, pruned, fail, running, waiting.
        failed: Number of trials that failed by themselves, and are not tried again.
        best: Lowest first objective of the complete trials.
        workers: Number of workers with a running attempt.
        stopped: Why it was stopped; None if it was not.
        started: Time of its first attempt.
    """

    name: str
    total: int
    states: dict[str, int]
    failed: int
    best: float | None
    workers: int
    stopped: str | None
    started: str | None

    @property
    def state(self) -> str:
        """The state in one word."""
        done = self.states.get("complete", 0) + self.states.get("pruned", 0) + self.failed
        if self.states.get("running"):
            return "running"
        if done >= self.total:
            return "complete"
        return "stopped" if self.stopped else "unfinished"


def summaries(url: str) -> list[SweepSummary]:
    """Return the sweeps of a database in the order they were launched.

    Raises:
        ConfigError: If the URL is not valid.
        UnreachableError: If the database does not answer.
    """
    if dialect_of(url) == "sqlite" and not path_of(url).is_file():
        return []  # to look for it would create it
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect() as connection:
            if not sqlalchemy.inspect(connection).has_table("studies"):
                return []
            return _read(connection)
    except SQLAlchemyError as error:
        raise UnreachableError(f"the study database cannot be read: {error}") from None
    finally:
        engine.dispose()


def _read(connection: sqlalchemy.Connection) -> list[SweepSummary]:
    study, trial, attribute = STUDY.c, TRIAL.c, STUDY_ATTRIBUTE.c
    names = connection.execute(select(study.study_id, study.study_name).order_by(study.study_id))
    found = {row[0]: str(row[1]) for row in names}
    attributes: dict[int, dict[str, Any]] = {}
    query = select(attribute.study_id, attribute.key, attribute.value_json).where(
        attribute.key.in_((SWEEP, NUM_TRIALS, STOP))
    )
    for study_id, key, text in connection.execute(query):
        attributes.setdefault(study_id, {})[key] = text
    states: dict[int, dict[str, int]] = {}
    count = select(trial.study_id, trial.state, func.count(), func.min(trial.datetime_start))
    started: dict[int, str] = {}
    for study_id, state, number, first in connection.execute(
        count.group_by(trial.study_id, trial.state)
    ):
        states.setdefault(study_id, {})[state.lower()] = number
        if first is not None:
            started[study_id] = min(started.get(study_id, "9"), str(first)[:16])
    lowest = (
        select(trial.study_id, func.min(VALUE.c.value))
        .join_from(TRIAL, VALUE, VALUE.c.trial_id == trial.trial_id)
        .where(VALUE.c.objective == 0, trial.state == "COMPLETE")
        .group_by(trial.study_id)
    )
    best = {row[0]: float(row[1]) for row in connection.execute(lowest)}
    workers = _counted(connection, TRIAL_ATTRIBUTE.c.value_json, WORKER, "RUNNING")
    failed = _counted(connection, trial.trial_id, ERROR, "FAIL")
    return [
        SweepSummary(
            name,
            int(attributes[study_id][NUM_TRIALS]),
            states.get(study_id, {}),
            failed.get(study_id, 0),
            best.get(study_id),
            workers.get(study_id, 0),
            _text(attributes[study_id].get(STOP)),
            started.get(study_id),
        )
        for study_id, name in found.items()
        if {SWEEP, NUM_TRIALS} <= set(attributes.get(study_id, {}))
    ]


def _counted(
    connection: sqlalchemy.Connection, what: sqlalchemy.ColumnElement[Any], key: str, state: str
) -> dict[int, int]:
    """Count what is distinct, by study, over the attempts of a state that have an attribute."""
    query = (
        select(TRIAL.c.study_id, func.count(func.distinct(what)))
        .join_from(TRIAL, TRIAL_ATTRIBUTE, TRIAL_ATTRIBUTE.c.trial_id == TRIAL.c.trial_id)
        .where(TRIAL_ATTRIBUTE.c.key == key, TRIAL.c.state == state)
        .group_by(TRIAL.c.study_id)
    )
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def _text(stored: str | None) -> str | None:
    """Undo the JSON that a study's attribute is stored as."""
    return None if stored in (None, "null") else str(stored).strip('"')
