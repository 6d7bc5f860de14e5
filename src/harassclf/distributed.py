"""The same scoring on a cluster: one function from pandas to pandas, used unchanged by PySpark and by Dask.

Nothing distributed is made here: Spark and Dask move the data, :func:`score_frame` judges each piece. Every process loads
the model once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from harassclf.batch import RESULT_COLUMNS, results_of
from harassclf.classifier import Classifier
from harassclf.errors import TableError
from harassclf.tables import named

if TYPE_CHECKING:
    import dask.dataframe
    import pyspark.sql


@cache
def _classifier(model: Path | None) -> Classifier:
    return Classifier.load(model)


def score_frame(frame: pd.DataFrame, text_column: str = "text", model: Path | None = None) -> pd.DataFrame:
    """``frame`` with the result columns appended: same rows, same order, same index; all result columns are strings.

    Cells that are no message (missing, blank, too long) get their reason in ``error``. Raises :class:`TableError` when
    the text column is missing or a result column is already there.
    """
    if text_column not in frame.columns:
        raise TableError(f"no column {text_column!r}; found: {named(map(str, frame.columns))}")
    if taken := [name for name in RESULT_COLUMNS if name in frame.columns]:
        raise TableError(f"the table already has {', '.join(taken)}; drop or rename these columns first")
    texts = [
        "" if missing else text for text, missing in zip(frame[text_column], frame[text_column].isna(), strict=True)
    ]
    results = results_of(_classifier(model), texts)
    columns = zip(*results, strict=True) if results else ((),) * len(RESULT_COLUMNS)
    made = {
        name: pd.Series(list(c), frame.index, dtype=object) for name, c in zip(RESULT_COLUMNS, columns, strict=True)
    }
    return frame.assign(**made)


def score_spark(
    table: pyspark.sql.DataFrame, text_column: str = "text", model: Path | None = None
) -> pyspark.sql.DataFrame:
    """A Spark DataFrame with the result columns appended, by ``mapInPandas``; needs the ``spark`` extra.

    ``model`` must be a path that every executor can read; ``None`` is the model inside the installed package.
    """
    from pyspark.sql.types import StringType, StructField, StructType

    def score(pieces: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for piece in pieces:
            yield score_frame(piece, text_column, model)

    schema = StructType([*table.schema.fields, *(StructField(name, StringType()) for name in RESULT_COLUMNS)])
    return table.mapInPandas(score, schema)


def score_dask(table: dask.dataframe.DataFrame, text_column: str = "text", model: Path | None = None) -> Any:
    """A Dask DataFrame with the result columns appended, by ``map_partitions``; needs the ``dask`` extra."""
    empty = table._meta.assign(**{name: pd.Series([], dtype=object) for name in RESULT_COLUMNS})
    return table.map_partitions(score_frame, text_column, model, meta=empty)  # type: ignore[no-untyped-call]
