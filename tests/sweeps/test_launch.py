"""A stored sweep is opened to be continued, or refused with a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from restock.sweeps import launch
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.queue import SweepError
from support.quiet import QuietConsole
from support.stages import context
from support.studies import configured, frozen


def test_a_sweep_of_other_code_is_continued_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = configured(engine={"study_url": f"sqlite:///{tmp_path / 'a.db'}"})
    sweep = replace(frozen(made), name="half", commit="c0ffee")
    OpenStudy.create(made.engine.study_url, sweep, made.engine, 6).close()
    console = QuietConsole()
    around = context(made, tmp_path, console=console)
    launch.reopen("half", made.engine, around, "d").close()
    assert console.notes == []
    monkeypatch.setattr(launch, "code_digest", lambda: "other")
    launch.reopen("half", made.engine, around, "d").close()
    (note,) = console.notes
    assert "the code has changed since half was launched at c0ffee" in note
    assert "may not be comparable" in note


def test_a_sweep_that_counts_epochs_is_refused(tmp_path: Path) -> None:
    made = configured(engine={"study_url": f"sqlite:///{tmp_path / 'a.db'}"})
    sweep = replace(frozen(made), name="old")
    training = {**sweep.settings["training"], "max_epochs": 12}
    sweep = replace(sweep, settings={**sweep.settings, "training": training})
    OpenStudy.create(made.engine.study_url, sweep, made.engine, 6).close()
    with pytest.raises(SweepError, match="counted its budget in epochs"):
        launch.reopen("old", made.engine, context(made, tmp_path), "d")
