"""What a person sees of a sweep: a live sweep on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from restock.cli.console import TerminalConsole
from restock.cli.live import sparkline, sweep_panel
from restock.tracking.protocol import RunningTrial, SweepProgress

VIEW = SweepProgress(
    "weekly",
    12,
    {"complete": 1, "failed": 1},
    [
        RunningTrial(6, 0.25, (0.52, 0.5, 0.49), "node-1", 31.2),
        RunningTrial(7, 0.0, (), "node-2", 4.0),
    ],
    (2, 0.4866),
    [(2, "complete", "0.4866"), (5, "failed", "MemoryError: no room")],
    154.0,
)


def drawn(sweep: SweepProgress) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(sweep_panel(sweep))
    return out.getvalue()


def test_the_view_shows_progress_best_and_each_running_trial() -> None:
    shown = drawn(VIEW)
    for word in ("weekly", "2/12", "1 complete, 1 failed", "trial 2: loss 0.4866", "0:02:34"):
        assert word in shown
    lines = shown.splitlines()
    (running,) = [line for line in lines if "node-1" in line]
    assert "0.4900" in running
    assert "█" in running  # its curve so far
    (header,) = [line for line in lines if "steps" in line]
    assert "━" not in header  # the bar has a line of its own
    assert any("MemoryError: no room" in line for line in lines)


def test_before_anything_has_ended_nothing_is_made_up() -> None:
    shown = drawn(SweepProgress("weekly", 3, {}, [], None, [], None))
    assert "0/3 (none ended)" in shown
    assert "loss 0" not in shown


def test_without_a_terminal_each_trial_is_a_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    with TerminalConsole("tune").sweep() as show:
        show(VIEW)
        show(VIEW)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "tune: 1/12 trial 2 complete 0.4866 (best 0.4866)",
        "tune: 2/12 trial 5 failed MemoryError: no room (best 0.4866)",
    ]


def test_a_curve_is_drawn_from_its_last_finite_values() -> None:
    assert sparkline([]) == ""
    assert sparkline([1.0, float("nan"), 0.0]) == "█▁"
    assert len(sparkline([float(v) for v in range(100)], width=24)) == 24
    assert sparkline([2.0, 2.0]) == "▁▁"
