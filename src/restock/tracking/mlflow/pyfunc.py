"""The bundle as an MLflow model, from code: loading it unpickles nothing.

Takes recent history as a table (series_id, timestamp, demand and the columns of its roles; rows
after the last demand are the known future) and returns quantiles of the coming horizon.
"""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel

from restock.config import ColumnSettings, DataSettings, SourceSettings
from restock.data.clean import make_panel
from restock.forecasters.bundle import Bundle, load_bundle


class BundleModel(PythonModel):  # type: ignore[misc]
    """Forecasts with a bundle."""

    def load_context(self, context: Any) -> None:
        """Check the bundle's digests and load it."""
        self.bundle: Bundle = load_bundle(Path(context.artifacts["bundle"]))

    def predict(
        self,
        context: Any,  # noqa: ARG002
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> pd.DataFrame:
        """Return one row per series and step: quantiles of demand and of total demand so far."""
        table = model_input.reset_index(drop=True).assign(__file__="input")
        panel, _ = make_panel(table, self._settings())
        forecast = self.bundle.predict(panel, np.full(panel.num_series, panel.num_steps - 1))
        return forecast.table()

    def _settings(self) -> DataSettings:
        manifest = self.bundle.manifest
        columns: dict[str, Any] = {"timestamp": "timestamp", "series": ["series_id"]}
        columns |= {"demand": "demand", **manifest.roles}
        return DataSettings(
            name="request",
            source=SourceSettings(kind="file", path="request"),
            columns=ColumnSettings.model_validate(columns),
            frequency=manifest.frequency,
        )


mlflow.models.set_model(BundleModel())
