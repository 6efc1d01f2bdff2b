"""The table of commands, one value each: help, completion, parsing, running and the docs read it.

It imports nothing heavy: `restock --help` answers before anything else is there. To add a command,
write its module in commands/ with ``run(context, arguments)``, its view in commands/views.py, and
a value here.
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
        "run", "path", "the whole path in one process, on any data set, without DVC",
        ("restock run --config-dir my_conf data=my_table output_dir=out",
         "restock run experiment=eight_weeks"), "RunView",
    ),
    StageCommand(
        "fetch", "path", "bring the raw table",
        ("restock fetch", "restock fetch --config-dir my_conf data=my_table output_dir=out"),
    ),
    StageCommand(
        "prepare", "path", "raw rows to demand per series and period",
        ("restock prepare", "restock prepare data.min_active_periods=1"),
    ),
    StageCommand(
        "featurize", "path", "features and the constants they are made with",
        ("restock featurize", "restock featurize features.lags=[1,2,52]"),
    ),
    TuneCommand(
        "tune", "path", "search the space of conf/search on the tuning folds",
        ("restock tune search.num_trials=50 engine.num_workers=2", "restock tune --dry-run"),
        flags=(Flag(DRY_RUN, "train one epoch, and say what the sweep will take"),),
    ),
    TrainCommand(
        "train", "path", "fit the LSTM and save the bundle",
        ("restock train model.units=96", "restock train -m model.units=32,64 seed=1,2"),
    ),
    StageCommand(
        "evaluate", "path", "score it on the test folds, beside the baselines",
        ("restock evaluate", "restock evaluate evaluation.seasonal_period=52"),
    ),
    StageCommand(
        "forecast", "path", "quantiles for the coming horizon",
        ("restock forecast", "restock forecast --params params.yaml"),
    ),
    StageCommand(
        "plan", "path", "reorder points and order quantities",
        ("restock plan inventory.lead_time=3", "restock plan inventory.stock_path=stock.csv"),
    ),
    TypedCommand(
        "summary", "path", "what won, what was promoted, what to reorder first",
        ("restock summary", "restock summary output_dir=out"), "SummaryView",
    ),
    StoreCommand(
        "sweeps", "sweeps", "every sweep: its state, trials, workers and best",
        ("restock sweeps", "restock sweeps engine.study_url=postgresql://user@host/database"),
        "SweepsView",
    ),
    LoggedCommand(
        "resume", "sweeps", "go on with a sweep as it was launched",
        ("restock resume SWEEP", "restock resume SWEEP engine.num_workers=4"), "SweepsView",
        ONE_SWEEP, log="tune",
    ),
    StoreCommand(
        "stop", "sweeps", "let a sweep end after the epochs that run now",
        ("restock stop SWEEP", "restock stop SWEEP engine.study_url=postgresql://user@host/db"),
        "SweepsView", ONE_SWEEP,
    ),
    StoreCommand(
        "compare", "sweeps", "side by side, the best of each sweep or run",
        ("restock compare SWEEP SWEEP", "restock compare SWEEP RUN_ID"), "CompareView",
        Names(1, MANY, "SWEEP_OR_RUN...", "say what to compare"),
    ),
    TypedCommand(
        "promote", "champions", "champion if it passes every gate",
        ("restock promote --dry-run", "restock promote SWEEP promotion.confidence=0.9"),
        "restock.champions.view.PromotionView", Names(0, 1, "[RUN_OR_SWEEP]"),
        (Flag(DRY_RUN, "say whether it would become champion, and why; record nothing"),),
    ),
    StoreCommand(
        "history", "champions", "who was champion, when and why",
        ("restock history", "restock history --refresh"), CHAMPIONS,
        flags=(Flag("--refresh", "ask the tracking server instead of the local mirror"),),
    ),
    StoreCommand(
        "rollback", "champions", "make an earlier champion champion again",
        ("restock rollback", "restock rollback --to 3"), CHAMPIONS,
        flags=(Flag("--to", "which version; else the champion before this one", "VERSION"),),
    ),
    StoreCommand(
        "diff", "champions", "how two versions differ",
        ("restock diff 1 2", "restock diff 1 2 tracking.uri=http://mlflow.example.org"),
        CHAMPIONS, Names(2, 2, "VERSION VERSION", "say which two versions"),
    ),
    StoreCommand(
        "card", "champions", "what a version was made from, how, and what for",
        ("restock card", "restock card 2"), CHAMPIONS, Names(0, 1, "[VERSION]"),
    ),
    TypedCommand(
        "rerun", "champions", "run an old run again and compare every number",
        ("restock rerun RUN_ID", "restock rerun RUN_ID tracking.uri=http://mlflow.example.org"),
        CHAMPIONS, Names(1, 1, "RUN_ID", "say which run"),
    ),
    LoggedCommand(
        "explain", "insight", "what moves the forecast of one series",
        ("restock explain 85123A", "restock explain 'store 1/item 2' output_dir=out"),
        "ExplainView", SeriesName(1, 1, "SERIES_ID", "say which series first"),
    ),
    LoggedCommand(
        "select", "insight", "which features to leave out, found on the tuning folds",
        ("restock select", "restock select selection.method=importance"), "SelectView",
    ),
    TypedCommand(
        "sync", "set-up", "send runs that wait on disk to the tracking server",
        ("restock sync", "restock sync tracking.uri=http://mlflow.example.org"), "SyncView",
    ),
    ConfCommand(
        "params", "set-up", "compile conf/ to params.yaml",
        ("restock params", "restock params --check"),
        flags=(Flag("--check", "write nothing; fail if conf/ composes to something else"),),
    ),
)  # fmt: skip
COMMANDS = {command.name: command for command in TABLE}


def find(name: str) -> Command:
    """Return a command by its name.

    Raises:
        UserError: Naming the nearest.
    """
    if name not in COMMANDS:
        raise UserError(f"no command {name!r}. {nearest(name, COMMANDS)}")
    return COMMANDS[name]
