"""Parquet through pyarrow: rows of text cells, with the names of class labels put in for their numbers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from backend.errors import BadInput
from backend.prompts.table import MAX_BYTES, MAX_ROWS, Record

MAGIC: Final = b"PAR1"
BATCH: Final = 100
BATCH_BYTES: Final = 2 * MAX_BYTES
"""Of a batch at most, whatever is in it: one text that is kept once may stand in every row."""
MAX_UNPACKED: Final = 5 * MAX_BYTES


def parquet(raw: bytes, name: str) -> tuple[list[str], Iterator[Record]]:
    """Columns, and rows numbered from 1. Raises BadInput("error.table_parquet" | "error.table_rows" | ...large)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(raw))
        columns = list(file.schema_arrow.names)
        names = _class_names(file.schema_arrow.metadata or {})
        rows, size = (
            file.metadata.num_rows,
            sum(file.metadata.row_group(at).total_byte_size for at in range(file.metadata.num_row_groups)),
        )
    except (pa.ArrowException, OSError) as fault:
        raise BadInput("error.table_parquet", name=name) from fault
    if rows > MAX_ROWS:
        raise BadInput("error.table_rows", name=name, limit=f"{MAX_ROWS:,}")
    if size > MAX_UNPACKED:
        raise BadInput("error.table_large", name=name, size=size // 10**6, limit=MAX_UNPACKED // 10**6)
    return columns, _rows(file, columns, names, name)


def _batch(metadata: Any) -> int:
    """Rows to be read at once: no cell is longer than all texts of its column in a group of rows."""
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    chunks = [group.column(at) for group in groups for at in range(group.num_columns)]
    longest = max((one.total_uncompressed_size for one in chunks if one.physical_type == "BYTE_ARRAY"), default=0)
    return max(1, min(BATCH, BATCH_BYTES // max(longest, 1)))


def _rows(file: Any, columns: list[str], names: Mapping[str, list[str]], name: str) -> Iterator[Record]:
    import pyarrow as pa

    number = 0
    try:
        for batch in file.iter_batches(_batch(file.metadata)):
            for row in zip(*(batch.column(at).to_pylist() for at in range(len(columns))), strict=True):
                number += 1
                yield number, [cell(_named(value, names.get(key))) for key, value in zip(columns, row, strict=True)]
    except (pa.ArrowException, OSError) as fault:
        raise BadInput("error.table_parquet", name=name) from fault


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Label names that the datasets library keeps in a file's schema: column -> names by number."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {key: found for key, feature in features.items() if (found := _names(feature))}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _names(feature: Any) -> list[str] | None:
    inner = feature.get("feature", feature)
    names = inner.get("names") if isinstance(inner, dict) else None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _named(value: Any, names: list[str] | None) -> Any:
    if names is None or isinstance(value, bool):
        return value
    if isinstance(value, list):
        return [_named(item, names) for item in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value


def cell(value: Any) -> str:
    """A value as the text of a cell: lists and objects as JSON, whole numbers without a point."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case bytes():
            return value.decode("utf-8", "replace")
        case list() | dict() | tuple():
            return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
