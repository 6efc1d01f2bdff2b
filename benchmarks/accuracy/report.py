"""The report: a table, a verdict and the coverage of each set, from stored scores alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Scores = Mapping[str, float | None]
RESTOCK = "restock"
PEER_LSTM, PEER_TREES = "peer: LSTM", "peer: LightGBM"
TITLES = {
    "lstm": PEER_LSTM,
    "trees": PEER_TREES,
    "ets": "peer: AutoETS",
}
COLUMNS = ("sql", "wql", "wape", "mase", "mae", "bias")
INTERVALS = (50, 80, 90)
MARGIN = 0.95  # of the peer's LSTM


def report(results: list[dict[str, Any]]) -> str:
    """Return the whole report as Markdown."""
    parts = ["# Accuracy\n", *(_section(result) for result in results)]
    return "\n".join(parts)


def earlier_tests(results: list[dict[str, Any]], before: list[dict[str, Any]]) -> str:
    """Return our forecast against the others on the test and on those before it, and their mean."""
    headings = ["set", "tests ago", "sql / own", "wql / own", "wape / own"]
    headings += ["sql / LightGBM", "wql / LightGBM", "wape / LightGBM", *_interval_headings()]
    rows = []
    for result in results:
        earlier = [one for one in before if one["set"] == result["set"]]
        if earlier:
            tests = {
                one["tests_ago"]: _against(one["models"])
                for one in [result, *earlier]
                if PEER_TREES in one["models"]
            }
            rows += [
                [result["title"], str(ago), *map(_number, tests[ago])] for ago in sorted(tests)
            ]
            rows.append(["", "mean", *map(_number, np.mean(list(tests.values()), axis=0))])
    return "\n## Earlier tests\n\n" + table(headings, rows) if rows else ""


def _against(models: dict[str, Scores]) -> list[float]:
    """Return our ratios to the best own baseline and to LightGBM, and its coverage."""
    own, baselines, metrics = models[RESTOCK], _baselines(models), ("sql", "wql", "wape")
    return [
        *(_value(own, metric) / _best(baselines, metric) for metric in metrics),
        *(_value(own, metric) / _value(models[PEER_TREES], metric) for metric in metrics),
        *(_value(own, name) for name in _interval_names()),
    ]


def _section(result: dict[str, Any]) -> str:
    models: dict[str, Scores] = result["models"]
    mark = " (fast: only the machinery is checked)" if result["fast"] else ""
    parts = [f"## {result['title']}{mark}\n", _scores(models)]
    if RESTOCK in models:
        parts += [_verdicts(models), _coverage(models), _seconds(result)]
    return "\n".join(parts)


def _scores(models: dict[str, Scores]) -> str:
    columns = [*COLUMNS, *(["cost"] if any("cost" in own for own in models.values()) else [])]
    rows = [
        [_named(name), *(_number(own.get(column)) for column in columns)]
        for name, own in sorted(models.items(), key=lambda item: _value(item[1], "sql"))
    ]
    return table(["model", *columns], rows)


def _verdicts(models: dict[str, Scores]) -> str:
    own = models[RESTOCK]
    baselines = _baselines(models)
    rows = []
    if PEER_LSTM in models:
        peer = _value(models[PEER_LSTM], "sql")
        rows.append(
            _verdict("SQL at least 5 % below neuralforecast's LSTM", own, "sql", peer, MARGIN)
        )
    if PEER_TREES in models:
        peer = _value(models[PEER_TREES], "sql")
        rows.append(_verdict("SQL below LightGBM", own, "sql", peer, 1.0, strictly=True))
    rows.append(
        _verdict(
            "SQL below the best own baseline",
            own,
            "sql",
            _best(baselines, "sql"),
            1.0,
            strictly=True,
        )
    )
    for metric in ("wape", "mae"):
        text = f"{metric.upper()} not worse than the best own baseline"
        rows.append(_verdict(text, own, metric, _best(baselines, metric), 1.0))
    return table(["goal", "met", "restock", "other", "ratio"], rows)


def _verdict(
    text: str, own: Scores, metric: str, other: float, margin: float, *, strictly: bool = False
) -> list[str]:
    value = _value(own, metric)
    met = value < other * margin if strictly else value <= other * margin
    return [text, "yes" if met else "no", _number(value), _number(other), f"{value / other:.3f}"]


def _coverage(models: dict[str, Scores]) -> str:
    rows = [
        [_named(name), *(_number(own.get(column)) for column in _interval_names())]
        for name, own in models.items()
    ]
    return table(["coverage", *_interval_headings()], rows)


def _interval_names() -> list[str]:
    return [f"{kind}coverage_{share}" for kind in ("", "total_") for share in INTERVALS]


def _interval_headings() -> list[str]:
    return [f"{kind} {share} %" for kind in ("step", "total") for share in INTERVALS]


def _seconds(result: dict[str, Any]) -> str:
    seconds: dict[str, float] = result["seconds"]
    rows = [[name, f"{value:.0f}"] for name, value in seconds.items()]
    said = f"ONNX Runtime and Keras are {result['apart']:.1e} of a series' scale apart, at most.\n"
    return table(["training of", "seconds"], rows) + "\n" + said


def table(headings: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table, a blank line after it."""
    lines = [headings, ["---"] + ["---:"] * (len(headings) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _baselines(models: dict[str, Scores]) -> dict[str, Scores]:
    return {n: s for n, s in models.items() if n != RESTOCK and n not in TITLES.values()}


def _best(models: dict[str, Scores], metric: str) -> float:
    return min(_value(own, metric) for own in models.values())


def _named(name: str) -> str:
    return "**restock**" if name == RESTOCK else name


def _value(own: Scores, metric: str) -> float:
    value = own.get(metric)
    return float("inf") if value is None else value


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.4f}"
