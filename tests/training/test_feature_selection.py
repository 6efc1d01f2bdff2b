"""Feature selection: the elimination by hand, and what it says."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from restock.commands import select
from restock.commands.arguments import Arguments
from restock.data.store import save_panel
from restock.errors import ConfigError
from restock.settings.selection import SelectionSettings
from restock.training.feature_selection import Assessment, eliminate
from support.builders import panel, settings
from support.stages import context

WORTH = {"driver": 1.0, "useful": 0.5, "noise 1": 0.0, "noise 2": -0.1, "noise 3": 0.01}


def assess(left_out: tuple[str, ...]) -> Assessment:
    """Noise costs a little each, the others what they are worth."""
    kept = {name: worth for name, worth in WORTH.items() if name not in left_out}
    missing = sum(worth for name, worth in WORTH.items() if name in left_out and worth > 0.1)
    return Assessment(1.0 + missing + 0.01 * sum("noise" in name for name in kept), kept)


def test_the_least_important_third_goes_at_each_step() -> None:
    selection = eliminate(SelectionSettings(), assess, lambda *_: None)
    assert selection.left_out == (
        (),
        ("noise 2", "noise 1"),
        ("noise 2", "noise 1", "noise 3"),
        ("noise 2", "noise 1", "noise 3", "useful"),
    )
    assert selection.kept == 2
    assert selection.table()["features"].tolist() == [5, 3, 2, 1]
    assert selection.table()["dropped"].tolist() == ["", "noise 2; noise 1", "noise 3", "useful"]


def test_a_ranking_made_once_stands_though_the_features_change_places() -> None:
    def fickle(left_out: tuple[str, ...]) -> Assessment:
        """Without "noise 2" the driver seems worthless."""
        found = assess(left_out)
        seeming = {**found.importance, **({"driver": -9.0} if "noise 2" in left_out else {})}
        return Assessment(found.loss, {n: seeming[n] for n in found.importance})

    once, anew = (
        eliminate(SelectionSettings(method=method), fickle, lambda *_: None)
        for method in ("importance", "elimination")
    )
    assert once.left_out[-1] == ("noise 2", "noise 1", "noise 3", "useful")
    assert "driver" in anew.left_out[2]


@pytest.mark.parametrize(("tolerance", "kept"), [(0.0, 2), (0.5, 3)])
def test_a_larger_tolerance_keeps_fewer_features(tolerance: float, kept: int) -> None:
    chosen = SelectionSettings(tolerance=tolerance)
    assert eliminate(chosen, assess, lambda *_: None).kept == kept


def test_however_large_the_share_one_feature_is_left() -> None:
    selection = eliminate(SelectionSettings(share_dropped=0.9), assess, lambda *_: None)
    assert [len(a.importance) for a in selection.assessments] == [5, 1]


def test_the_override_says_what_was_left_out_to_hydra_behind_a_shell() -> None:
    names = ("known promo", 'static "odd", one', "lag_1")
    (word,) = shlex.split(select.override(names))
    parsed = OverridesParser.create().parse_overrides([word])[0]
    assert parsed.key_or_group == "features.leave_out"
    assert [str(name) for name in parsed.value()] == list(names)


def test_without_a_tuning_fold_it_says_so(tmp_path: Path) -> None:
    save_panel(panel(3, 10, observed={}), tmp_path / "panel")
    with pytest.raises(ConfigError, match="no tuning fold"):
        select.run(context(settings(), tmp_path, "."), Arguments())
