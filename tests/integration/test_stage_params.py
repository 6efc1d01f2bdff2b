"""dvc.yaml declares the settings that each stage reads: found by running every stage."""

from __future__ import annotations

import importlib
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from restock.settings.base import Frozen, classes, paths
from restock.settings.recipe import Recipe
from restock.settings.tree import Settings
from restock.stages.pipeline import PIPELINE as STAGES
from restock.sweeps.spec import SearchRecipe
from restock.tracking.memory import NullTracker
from support.builders import settings, table
from support.inline import run_inline
from support.stages import context

PIPELINE = yaml.safe_load((Path(__file__).parents[2] / "dvc.yaml").read_text())["stages"]


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Run every stage on a small table and record which settings each one reads."""
    folder = tmp_path_factory.mktemp("pipeline")
    rows = table(4, 60).assign(price=2.0, cancelled="no", code="12345")
    rows.loc[0, "sales"] = -1
    (folder / "own").mkdir()
    rows[:90].to_csv(folder / "own/first.csv", index=False)
    rows[90:].to_excel(folder / "own/second.xlsx", index=False)
    (folder / "stock.csv").write_text("series_id,on_hand,on_order,backorders\nsomething,1,0,0\n")
    every_rule = {
        "drop_duplicate_rows": True,
        "keep_matching": {"code": r"^\d+$"},
        "cancellations": {
            "column": "cancelled", "prefix": "yes", "match": ["item"], "quantity": "sales",
        },
    }  # fmt: skip
    chosen = settings(
        data={
            "source": {"kind": "file", "path": str(folder / "own")},
            "aggregation": "sum",
            "negative": "clip",
            "rules": every_rule,
            "derived_static": {"band": {"column": "price", "how": "band", "edges": [1.0]}},
        },
        features={"calendar": ["week"]},
        evaluation={"loss": "sql", "refit_every_n_folds": 1},
        inventory={"unit_value": None, "stock_path": str(folder / "stock.csv")},
        search={"num_trials": 1},
    )
    around = context(chosen, folder, tracker=NullTracker())
    recorded: dict[str, set[str]] = {}
    # What a worker's process reads would not be seen from here.
    monkeypatch = pytest.MonkeyPatch()
    inline = partial(run_inline, folder / ".restock/sweeps")
    monkeypatch.setattr("restock.sweeps.launch.run_crew", inline)
    for stage in STAGES:
        with recording() as paths:
            module = importlib.import_module(f"restock.stages.{stage}")
            module.run(around.narrowed(STAGES[stage].view))
        recorded[stage] = paths
    monkeypatch.undo()
    return recorded


class recording:  # noqa: N801 - reads as a statement
    """Record the path of every setting that is read, whichever copy it is read from."""

    def __enter__(self) -> set[str]:
        paths: set[str] = set()
        where = {cls: at for view in VIEWS for cls, at in prefixes(view).items()}
        self.original = Frozen.__getattribute__

        def watched(model: Any, name: str) -> Any:
            value = object.__getattribute__(model, name)
            cls = type(model)
            # What is read while a value is checked or copied is no use of the value.
            reader = sys._getframe(1).f_globals["__name__"]
            used = not reader.startswith(("restock.settings.base", "pydantic"))
            if used and name in cls.model_fields and cls in where and not isinstance(value, Frozen):
                paths.add(where[cls] + name)
            return value

        Frozen.__getattribute__ = watched  # type: ignore[method-assign, assignment]
        return paths

    def __exit__(self, *_: object) -> None:
        Frozen.__getattribute__ = self.original  # type: ignore[method-assign]


VIEWS = (Settings, Recipe, SearchRecipe, *(stage.view for stage in STAGES.values()))


def prefixes(model: type[BaseModel], prefix: str = "") -> dict[type[BaseModel], str]:
    """Return where each settings class stands. Each stands in one place only."""
    found = {model: prefix}
    for name, field in model.model_fields.items():
        for candidate in classes(field.annotation):
            found |= prefixes(candidate, f"{prefix}{name}.")
    return found


def test_a_class_stands_in_one_place_in_every_view() -> None:
    places: dict[type[BaseModel], set[str]] = {}
    for view in VIEWS:
        for cls, at in prefixes(view).items():
            places.setdefault(cls, set()).add(at)
    assert {cls: at for cls, at in places.items() if len(at) > 1} == {}


def covers(declared: str, path: str) -> bool:
    return path == declared or path.startswith(declared + ".")


# A trained bundle brings the settings that its inputs are made and its answers read with.
BUNDLES = (
    *("features", "windows", "model.likelihood", "model.quantile_levels"), "evaluation.baselines",
)  # fmt: skip


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_declares_exactly_the_params_it_reads(
    stage: str, reads: dict[str, set[str]]
) -> None:
    declared = PIPELINE[stage].get("params", [])
    uses_bundle = stage in ("evaluate", "forecast")
    allowed = (*declared, *(BUNDLES if uses_bundle else ()))
    allowed = (*allowed, "tracking")  # how runs are logged decides no output
    undeclared = {p for p in reads[stage] if not any(covers(d, p) for d in allowed)}
    assert not undeclared
    unread = {d for d in declared if not any(covers(d, p) for p in reads[stage])}
    assert not unread


def test_declared_params_exist() -> None:
    known = set(paths(Settings))
    for stage in STAGES:
        for path in PIPELINE[stage].get("params", []):
            assert path in known, (stage, path)


def test_a_change_of_units_touches_neither_fetch_nor_prepare_nor_featurize() -> None:
    touched = {
        stage
        for stage in STAGES
        if any(covers(p, "model.units") for p in PIPELINE[stage].get("params", []))
    }
    assert touched == {"tune", "train"}
