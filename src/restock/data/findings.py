"""What is wrong with a table: every finding at once, and what the policies make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from restock.errors import DataError

SHOWN = 20  # findings of one rule and column that are listed one by one
HELP = {
    "number": "reject puts such rows aside, flag takes the cells as missing",
    "date": "reject puts such rows aside",
    "key": "reject puts such rows aside",
    "far_date": "reject puts such rows aside, flag keeps them",
    "duplicate": "reject keeps the first row of each and puts the others aside",
    "unit_jump": "flag only says so",
    "living_without_future": "flag only says so",
}


@dataclass(frozen=True)
class Finding:
    """One rule that rows, or series, do not keep.

    Attributes:
        rule: Name of the rule, as in ``data.validation``.
        where: File and row of the first, or the series.
        column: The column; empty if the rule is about no single one.
        count: Number of rows, or series.
        says: What was found first, and what was expected.
        rows: File and row of the first few.
    """

    rule: str
    where: str
    column: str
    count: int
    says: str
    rows: tuple[str, ...] = ()


@dataclass
class Findings:
    """All that was found in a table.

    Attributes:
        said: What was read otherwise than it stands there, or was not read, in sentences.
        found: The findings.
        quarantine: The rows that were put aside, with file, row and rule.
    """

    said: dict[str, str] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)
    quarantine: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["file", "row", "rule"])
    )

    def say(self, about: str, sentence: str) -> None:
        """Keep a sentence; the first one about something stays."""
        self.said.setdefault(about, sentence)

    def counts(self) -> dict[str, int]:
        """Return the number of rows, or series, found by each rule."""
        counts: dict[str, int] = {}
        for finding in self.found:
            counts[finding.rule] = counts.get(finding.rule, 0) + finding.count
        return counts

    def plain(self) -> list[dict[str, Any]]:
        """Return the findings as plain data."""
        return [asdict(finding) for finding in self.found]

    def settle(self, policies: Mapping[str, str]) -> None:
        """Refuse the table if a rule says so; of the other rules, say what they found.

        Raises:
            DataError: With a line for each finding of rules that say so, and what to do.
        """
        failed = [finding for finding in self.found if policies[finding.rule] == "fail"]
        if failed:
            rules = [rule for rule in HELP if any(finding.rule == rule for finding in failed)]
            do = [f"data.validation.{rule}: {HELP[rule]}." for rule in rules]
            raise DataError("\n".join([*(finding.says for finding in failed), *do]))
        for rule, count in self.counts().items():
            first = next(finding for finding in self.found if finding.rule == rule)
            done = {"reject": "put aside", "flag": "flagged"}[policies[rule]]
            self.say(f"rule {rule}", f"{rule}: {count} {done}; the first: {first.says}")
