"""The summary of all results: the best model, the champion, what to reorder first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from restock.commands.arguments import Arguments
from restock.commands.views import SummaryView
from restock.data.files import read_json
from restock.tracking.context import Context
from restock.tracking.protocol import Parts
from restock.tracking.uri import tracking_uri
from restock.types import layout
from restock.types.layout import Layout

SHOWN = ["model", "sql", "wql", "wape", "mase", "bias", "coverage_80"]


def run(context: Context[SummaryView], _: Arguments) -> Parts:
    """Return the parts of the summary as (title, table or text)."""
    files = context.files
    uri = tracking_uri(context.settings.tracking, context.root)
    report = read_json(files.read(layout.METRICS))
    table = pd.read_csv(files.read(layout.LEADERBOARD))[SHOWN]
    plan = pd.read_csv(files.read(layout.PLAN), dtype={"series_id": str})
    columns = ["series_id", "reorder_point", "safety_stock", "order_up_to_level", "order_quantity"]
    return [
        (f"Leaderboard, test folds (horizon {report['horizon']})", table),
        ("Forecast", report.get("why", report["chosen"])),  # an earlier version did not say why
        ("Champion", _champion(files, report["bundle"])),
        ("Reorder first", plan[[*columns, "expected_shortage_cost"]].head(5)),
        ("Report", str(files.read(layout.REPORT) / "report.html")),
        ("Plan", str(files.read(layout.PLAN))),
        ("Runs", _ui_command(uri, context.root)),
    ]


def _champion(files: Layout, bundle: str) -> str:
    path = files.read(layout.VERDICT)
    verdict: dict[str, Any] = read_json(path) if path.is_file() else {}
    if verdict.get("bundle") != bundle:
        return "this bundle was not judged yet: run `restock promote`"
    reasons = "; ".join(verdict["reasons"])
    if verdict["promote"]:
        return f"{verdict['model']} version {verdict['champion']} ({reasons})"
    holder = f"version {verdict['champion']} stays" if verdict["champion"] else "none"
    return f"{holder}; this bundle was not promoted: {reasons}"


def _ui_command(uri: str, root: Path) -> str:
    if uri.startswith(("http:", "https:")):
        return uri
    if uri == f"sqlite:///{root.resolve() / 'mlflow.db'}":
        return "mlflow ui   (in this folder, then open http://127.0.0.1:5000)"
    return f'mlflow ui --backend-store-uri "{uri}"'
