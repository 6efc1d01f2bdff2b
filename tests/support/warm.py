"""Imported by the process that others are forked from: what each would do again at its start."""

from __future__ import annotations

import importlib

import sqlalchemy.orm
from mlflow.utils import requirements_utils

for name in (
    *("hydra._internal.hydra", "hydra.main", "hydra.core.override_parser.overrides_parser"),
    *("mlflow.cli", "mlflow.pyfunc", "fastapi", "flask", "graphene", "uvicorn.main"),
    *("mlflow.tracing", "onnxruntime", "psycopg", "optuna.storages._rdb.storage"),
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    *("optuna.visualization", "optuna.visualization.matplotlib", "plotly.io"),
    *("pyarrow.dataset", "pyarrow.parquet", "rich._emoji_codes", "sklearn.ensemble"),
    "tf2onnx.convert",
):
    importlib.import_module(name)
sqlalchemy.orm.configure_mappers()
requirements_utils._init_modules_to_packages_map()
