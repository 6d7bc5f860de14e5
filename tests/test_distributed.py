"""The same result on real local engines as from the command line's own scoring."""

from __future__ import annotations

import shutil
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest

from harassclf import Classifier
from harassclf.batch import RESULT_COLUMNS, results_of
from harassclf.distributed import score_dask, score_frame, score_spark
from harassclf.errors import TableError

TEXTS = [
    "再不还钱就给你全家打电话",
    "您的账单明天到期，请按时还款",
    "晚上吃什么",
    "",
    "长" * 10_001,
    None,
    "还钱",
    "在吗",
] * 5


def _frame() -> pd.DataFrame:
    return pd.DataFrame({"id": range(len(TEXTS)), "text": TEXTS})


def _expected(classifier: Classifier) -> list[tuple[str, ...]]:
    return results_of(classifier, [text or "" for text in TEXTS])


def _results(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    return [tuple(row) for row in frame[list(RESULT_COLUMNS)].itertuples(index=False, name=None)]


def test_frame_keeps_rows_index_and_columns(classifier: Classifier) -> None:
    frame = _frame().set_index(pd.Index(range(100, 100 + len(TEXTS))))
    scored = score_frame(frame)
    assert list(scored.columns) == ["id", "text", *RESULT_COLUMNS]
    assert scored.index.equals(frame.index)
    assert _results(scored) == _expected(classifier)


def test_empty_frame_keeps_its_columns() -> None:
    assert list(score_frame(_frame().head(0)).columns) == ["id", "text", *RESULT_COLUMNS]


def test_missing_and_taken_columns_are_named() -> None:
    with pytest.raises(TableError, match="no column 'body'; found: id, text"):
        score_frame(_frame(), "body")
    with pytest.raises(TableError, match="already has error"):
        score_frame(_frame().assign(error=""))


def test_dask_gives_the_same_over_several_partitions(classifier: Classifier) -> None:
    dataframe = pytest.importorskip("dask.dataframe", reason="needs the dask extra")
    table = dataframe.from_pandas(_frame(), npartitions=4)
    assert table.npartitions == 4
    scored = score_dask(table).compute(scheduler="threads").sort_values("id")
    assert _results(scored) == _expected(classifier)


def test_spark_gives_the_same_over_several_partitions(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Spark's workers run "python3" from the path unless told; that one need not have harassclf (it failed CI once).
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    pytest.importorskip("pyspark", reason="needs the spark extra")
    if shutil.which("java") is None:
        pytest.skip("needs Java")
    from pyspark.sql import SparkSession

    with warnings.catch_warnings():  # pyspark's own
        warnings.simplefilter("ignore")
        spark = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.warehouse.dir", str(tmp_path))
            .getOrCreate()
        )
        try:
            table = spark.createDataFrame(list(enumerate(TEXTS)), "id long, text string")
            scored = score_spark(table.repartition(4)).toPandas().sort_values("id")
        finally:
            spark.stop()
    assert _results(scored) == _expected(classifier)
