"""The bundle as an MLflow model. It is loaded from code, without pickle.

Input: recent history as a table with series_id, timestamp, demand and the columns of all roles.
Rows after the last demand are the known future. Output: one row per series and step, with quantiles
of demand and of total demand up to the step, and the figures of the replenishment policy.
"""

import json
import sys
from pathlib import Path
from typing import Any

CARRIED = Path(__file__).parent / "code" / "restock"  # only exists in a saved model


def _forget_another_version() -> None:
    """Make sure that the model uses its own code, even if another version of restock is installed.

    The program that loads the model may have imported the installed version. With it, the model
    would forecast with code that was not verified, or fail.
    """
    if not CARRIED.is_dir():  # this file belongs to the installed version
        return
    import restock

    installed = Path(restock.__file__).parent
    for path in CARRIED.rglob("*.py"):
        other = installed / path.relative_to(CARRIED)
        if not other.is_file() or other.read_bytes() != path.read_bytes():
            for name in [name for name in sys.modules if name.split(".")[0] == "restock"]:
                del sys.modules[name]
            return


_forget_another_version()

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel

from restock.data.clean import make_panel
from restock.data.raw import RawTable
from restock.decisions.demand import LeadTimeDemand
from restock.decisions.plan import make_plan
from restock.decisions.value import unit_value
from restock.errors import DataError
from restock.forecasters.bundle import Bundle, load_bundle
from restock.settings.inventory import InventorySettings
from restock.settings.panel import ColumnSettings, PanelSettings
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel

FIGURES = ["reorder_point", "safety_stock", "order_up_to_level"]


class BundleModel(PythonModel):  # type: ignore[misc]
    """Forecasts with a bundle, and returns reorder points and order-up-to levels."""

    def load_context(self, context: Any) -> None:
        """Check the bundle's digests and load it."""
        self.bundle: Bundle = load_bundle(Path(context.artifacts["bundle"]))
        policy = json.loads(Path(context.artifacts["inventory"]).read_text(encoding="utf-8"))
        self.inventory = InventorySettings.model_validate(policy)

    def predict(
        self,
        context: Any,  # noqa: ARG002
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Forecast the periods after the last one in the input.

        Args:
            context: Not used.
            model_input: Recent history, in long form.
            params: ``horizon`` and ``quantile_levels``, to get fewer steps or levels.

        Raises:
            DataError: If the input lacks a column, or the horizon or a level was not trained.
        """
        return answer(self.bundle, self.inventory, model_input, params or {})


def answer(
    bundle: Bundle, inventory: InventorySettings, table: pd.DataFrame, params: dict[str, Any]
) -> pd.DataFrame:
    """Return forecast and reorder figures; see :meth:`BundleModel.predict`."""
    panel, _ = make_panel(RawTable.of(table, "input"), _settings(bundle))
    forecast = bundle.predict(panel, np.full(panel.num_series, panel.num_steps - 1))
    chosen = forecast.table()
    names = _level_columns(bundle, params)
    chosen = chosen[chosen["step"] <= _horizon(bundle, params)]
    kept = ["series_id", "forecast_origin", "timestamp", "step", "point", "mean", *names]
    plan = _figures(forecast, panel, inventory)
    result = chosen[kept].merge(plan, on="series_id")
    numeric = result.columns.difference(["series_id", "forecast_origin", "timestamp", "step"])
    return result.astype(dict.fromkeys(numeric, np.float32) | {"step": np.int32})


def _horizon(bundle: Bundle, params: dict[str, Any]) -> int:
    horizon = int(params.get("horizon", bundle.horizon))
    if not 1 <= horizon <= bundle.horizon:
        raise DataError(f"horizon={horizon}: this model forecasts 1 to {bundle.horizon} periods.")
    return horizon


def _level_columns(bundle: Bundle, params: dict[str, Any]) -> list[str]:
    levels = [float(level) for level in params.get("quantile_levels", bundle.manifest.levels)]
    unknown = [level for level in levels if level not in bundle.manifest.levels]
    if unknown:
        raise DataError(
            f"quantile_levels={unknown}: this model forecasts only {bundle.manifest.levels}."
        )
    return [f"{prefix}{level:g}" for prefix in ("q", "total_q") for level in levels]


def _figures(
    forecast: DemandForecast, panel: DemandPanel, inventory: InventorySettings
) -> pd.DataFrame:
    """Return the figures that do not depend on stock, which only the caller knows."""
    demand = LeadTimeDemand.from_forecast(forecast, inventory.protection_interval)
    value = unit_value(panel, inventory.unit_value)
    unknown = np.full(panel.num_series, np.nan)
    plan = make_plan(forecast.series_id, demand, inventory, value, unknown)
    return plan.table()[["series_id", *FIGURES]]


def _settings(bundle: Bundle) -> PanelSettings:
    manifest = bundle.manifest
    columns: dict[str, Any] = {"timestamp": "timestamp", "series": ["series_id"]}
    columns |= {"demand": "demand", **manifest.roles}
    return PanelSettings(
        columns=ColumnSettings.model_validate(columns),
        frequency=manifest.frequency,
        missing="mask",
    )


mlflow.models.set_model(BundleModel())
