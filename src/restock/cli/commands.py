"""The table of all commands. Help, completion, parsing, running and the docs read it.

It imports nothing heavy, so that `restock --help` is fast. To add a command, write its module in
commands/ with ``run(context, arguments)``, its view in commands/views.py, and a value here.
"""

from __future__ import annotations

from restock.cli.command import DRY_RUN, Command, Flag, Names, SeriesName
from restock.cli.kinds import (
    ConfCommand,
    LoggedCommand,
    RunCommand,
    StageCommand,
    StoreCommand,
    TrainCommand,
    TuneCommand,
    TypedCommand,
    ValidateCommand,
)
from restock.errors import UserError, nearest

GROUPS = {
    "path": "the path from rows to orders",
    "sweeps": "sweeps",
    "champions": "champions",
    "insight": "insight",
    "set-up": "set-up",
}
MANY = 1000
CHAMPIONS = "restock.champions.view.ChampionView"
ONE_SWEEP = Names(1, 1, "SWEEP", "say which sweep")

TABLE: tuple[Command, ...] = (
    RunCommand(
        "run", "path", "run all stages in one process, on any data set, without DVC",
        ("restock run --config-dir my_conf data=my_table output_dir=out",
         "restock run experiment=eight_weeks"), "RunView",
    ),
    StageCommand(
        "fetch", "path", "get the raw table from its source",
        ("restock fetch", "restock fetch --config-dir my_conf data=my_table output_dir=out"),
    ),
    ValidateCommand(
        "validate", "path", "check a table and report everything that is wrong with it",
        ("restock validate", "restock validate --config-dir my_conf data=my_table"),
        "ValidateView",
    ),
    StageCommand(
        "prepare", "path", "turn raw rows into demand per series and period",
        ("restock prepare", "restock prepare data.min_active_periods=1"),
    ),
    StageCommand(
        "featurize", "path", "learn the constants of the features from training rows",
        ("restock featurize", "restock featurize features.lags=[1,2,52]"),
    ),
    TuneCommand(
        "tune", "path", "search for the best settings (conf/search) on the tuning folds",
        ("restock tune search.num_trials=50 engine.num_workers=2", "restock tune --dry-run"),
        flags=(Flag(DRY_RUN, "train some steps, and estimate the time of the sweep"),),
    ),
    TrainCommand(
        "train", "path", "fit the LSTM and save the bundle",
        ("restock train model.units=96", "restock train -m model.units=32,64 seed=1,2"),
    ),
    StageCommand(
        "evaluate", "path", "score the bundle and the baselines on the test folds",
        ("restock evaluate", "restock evaluate evaluation.seasonal_period=52"),
    ),
    StageCommand(
        "forecast", "path", "forecast quantiles of demand for the next periods",
        ("restock forecast", "restock forecast --params params.yaml"),
    ),
    StageCommand(
        "plan", "path", "compute reorder points and order quantities",
        ("restock plan inventory.lead_time=3", "restock plan inventory.stock_path=stock.csv"),
    ),
    TypedCommand(
        "summary", "path", "show the best model, the champion, and what to reorder first",
        ("restock summary", "restock summary output_dir=out"), "SummaryView",
    ),
    StoreCommand(
        "sweeps", "sweeps", "list every sweep: its state, trials, workers and best loss",
        ("restock sweeps", "restock sweeps engine.study_url=postgresql://user@host/database"),
        "SweepsView",
    ),
    LoggedCommand(
        "resume", "sweeps", "continue a sweep with the settings of its launch",
        ("restock resume SWEEP", "restock resume SWEEP engine.num_workers=4"), "SweepsView",
        ONE_SWEEP, log="tune",
    ),
    StoreCommand(
        "stop", "sweeps", "stop a sweep after the current steps; it can be resumed",
        ("restock stop SWEEP", "restock stop SWEEP engine.study_url=postgresql://user@host/db"),
        "SweepsView", ONE_SWEEP,
    ),
    StoreCommand(
        "compare", "sweeps", "compare the best trials of sweeps, and runs, side by side",
        ("restock compare SWEEP SWEEP", "restock compare SWEEP RUN_ID"), "CompareView",
        Names(1, MANY, "SWEEP_OR_RUN...", "say what to compare"),
    ),
    TypedCommand(
        "promote", "champions", "make the bundle champion if it passes every gate",
        ("restock promote --dry-run", "restock promote SWEEP promotion.confidence=0.9"),
        "restock.champions.view.PromotionView", Names(0, 1, "[RUN_OR_SWEEP]"),
        (Flag(DRY_RUN, "say whether it would become champion, and why; record nothing"),),
    ),
    StoreCommand(
        "history", "champions", "show which version was champion, when and why",
        ("restock history", "restock history --refresh"), CHAMPIONS,
        flags=(Flag("--refresh", "read the tracking server instead of the local copy"),),
    ),
    StoreCommand(
        "rollback", "champions", "make an earlier champion champion again",
        ("restock rollback", "restock rollback --to 3"), CHAMPIONS,
        flags=(Flag("--to", "the version; without it, the previous champion", "VERSION"),),
    ),
    StoreCommand(
        "diff", "champions", "show how two versions differ",
        ("restock diff 1 2", "restock diff 1 2 tracking.uri=http://mlflow.example.org"),
        CHAMPIONS, Names(2, 2, "VERSION VERSION", "say which two versions"),
    ),
    StoreCommand(
        "card", "champions", "show what a version was made from, how, and for which use",
        ("restock card", "restock card 2"), CHAMPIONS, Names(0, 1, "[VERSION]"),
    ),
    TypedCommand(
        "rerun", "champions", "run an old run again and compare every number",
        ("restock rerun RUN_ID", "restock rerun RUN_ID tracking.uri=http://mlflow.example.org"),
        CHAMPIONS, Names(1, 1, "RUN_ID", "say which run"),
    ),
    LoggedCommand(
        "explain", "insight", "show how much each input changes the forecast of one series",
        ("restock explain 85123A", "restock explain 'store 1/item 2' output_dir=out"),
        "ExplainView", SeriesName(1, 1, "SERIES_ID", "say which series first"),
    ),
    LoggedCommand(
        "select", "insight", "find features to leave out, on the tuning folds",
        ("restock select", "restock select selection.method=importance"), "SelectView",
    ),
    TypedCommand(
        "sync", "set-up", "send runs that wait on disk to the tracking server",
        ("restock sync", "restock sync tracking.uri=http://mlflow.example.org"), "SyncView",
    ),
    ConfCommand(
        "params", "set-up", "compile conf/ to params.yaml",
        ("restock params", "restock params --check"),
        flags=(Flag("--check", "write nothing; fail if params.yaml differs from conf/"),),
    ),
)  # fmt: skip
COMMANDS = {command.name: command for command in TABLE}


def find(name: str) -> Command:
    """Return a command by its name.

    Raises:
        UserError: If there is none of this name. The message names the nearest.
    """
    if name not in COMMANDS:
        raise UserError(f"no command {name!r}. {nearest(name, COMMANDS)}")
    return COMMANDS[name]
