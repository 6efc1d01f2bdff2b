"""The card of a model version: what it was made from, how, and what it may be used for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restock.champions.challenge import baseline_names
from restock.champions.view import PromotionView
from restock.forecasters.bundle import Manifest

CARD, CARD_PAGE = "card.json", "card.md"  # files of a registered model
SHOWN = ("wql", "sql", "wape", "mase", "bias", "coverage_80")


def make_card(
    settings: PromotionView,
    manifest: Manifest,
    quality: Mapping[str, Any],
    report: Mapping[str, Any],
    lineage: Mapping[str, str],
) -> dict[str, Any]:
    """Make the card from what the pipeline wrote. Nothing is written by hand.

    Args:
        settings: Settings of the data, of the registry and of the inventory policy.
        manifest: Manifest of the bundle.
        quality: Report of stage prepare.
        report: Report of stage evaluate.
        lineage: Commit and other labels of the run.
    """
    data, source = settings.data, settings.data.source
    counted = ("rows_read", "dropped", "rows_kept", "missing_share", "zero_share")
    scores = report["models"][report["chosen"]]
    return {
        "data": {
            "name": data.name,
            "description": data.description,
            "variables": {"demand": data.unit, **manifest.roles},
            "resolution": data.frequency,
            "source": source.model_dump(mode="json", exclude_none=True),
            "date_range": [quality["first_period"], quality["last_period"]],
            "series": quality["series"],
            "periods": quality["periods"],
            "quality": {name: quality[name] for name in counted if name in quality},
            "digest": manifest.data_digest,
        },
        "preprocessing": data.model_dump(
            mode="json", include={"table", "aggregation", "missing", "negative", "rules"}
        ),
        "feature_engineering": manifest.features,
        "training": {
            "algorithm": "global LSTM over all series (forking sequences), and simpler models; "
            "one of them or a calibrated mix forecasts",
            "forecasts": report["chosen"],
            "hyperparameters": {**manifest.model, **manifest.training, **manifest.windows},
            "seed": manifest.seed,
            "steps": manifest.steps,
            "mixed": manifest.combination["weights"],
            "trained_up_to": manifest.train_end,
            f"tuning_{manifest.choice.get('by', 'wql')}": manifest.tuning_loss,
            "test": {name: scores[name] for name in SHOWN},
            "best_baseline": _best_baseline(report),
            "libraries": manifest.versions,
        },
        "deployment": {
            "model": settings.tracking.model_name,
            "bundle": manifest.digest,
            "horizon": manifest.horizon,
            "quantile_levels": manifest.levels,
            "answers": "quantiles of demand and of total demand per step; reorder figures",
            "policy": settings.inventory.model_dump(mode="json"),
            "serve": f"mlflow models serve -m models:/{settings.tracking.model_name}@champion",
            **lineage,
        },
    }


def _best_baseline(report: Mapping[str, Any]) -> dict[str, Any] | None:
    models = report["models"]
    losses = {n: models[n]["wql"] for n in baseline_names(report) if models[n]["wql"]}
    if not losses:
        return None
    name = min(losses, key=losses.__getitem__)
    return {"name": name, "wql": losses[name]}


def to_markdown(card: Mapping[str, Any]) -> str:
    """Return a card as Markdown: one section per group, one line per fact."""
    name = card["deployment"]["model"]
    lines = [f"# Model card: {name}"]
    for section, facts in card.items():
        lines += ["", f"## {section.replace('_', ' ').capitalize()}", ""]
        lines += [f"- **{key}**: {_text(value)}" for key, value in facts.items()]
    return "\n".join(lines) + "\n"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key} = {_text(item)}" for key, item in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "-" if value in (None, "") else str(value)
