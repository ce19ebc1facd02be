"""Starting a batch: everything a person can get wrong is told before the run exists."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from backend.assistants import Assistant
from backend.batch.rows import BatchConfig, rows_file, write_rows
from backend.errors import BadInput
from backend.files import make_folder
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.prompts.table import Table
from backend.prompts.templates import variables


def start_batch(
    runs: Runs,
    assistant: Assistant,
    table: Table,
    mapping: Mapping[str, str],
    name: str = "table.csv",
    title: str = "",
    first: int | None = None,
) -> Run:
    """Answer every row of the table (or the `first` ones) as a run.

    mapping  variable of the assistant's template -> column of the table
    name     what the table was called, for the title and the files to download
    Raises BadInput("error.batch_mapping" | "error.table_column"), StorageProblem.
    """
    used = check_mapping(assistant, table, mapping)
    count = len(table.cells) if first is None else max(1, min(first, len(table.cells)))
    config = BatchConfig(assistant=assistant, columns=table.columns, mapping=used, rows=count, name=name)
    with tempfile.TemporaryDirectory(prefix=".table-", dir=make_folder(runs.folder)) as beside:
        kept = Path(beside) / rows_file(Path()).name
        write_rows(kept, table, count)
        return runs.submit("batch", config.model_dump(mode="json"), title or name, {kept.name: kept})


def check_mapping(assistant: Assistant, table: Table, mapping: Mapping[str, str]) -> dict[str, str]:
    """The part of the mapping that the template uses, every column of it there. Raises BadInput."""
    wanted = variables(assistant.instructions.template)
    missing = [name for name in wanted if not mapping.get(name)]
    if missing:
        raise BadInput("error.batch_mapping", variables=", ".join(f"{{{name}}}" for name in missing))
    for name in wanted:
        if mapping[name] not in table.columns:
            raise BadInput("error.table_column", column=mapping[name], columns=", ".join(table.columns))
    return {name: mapping[name] for name in wanted}


def suggest_mapping(assistant: Assistant, table: Table) -> dict[str, str]:
    """A mapping to begin with: columns of the variables' names; long texts go to `input` or the only one left."""
    wanted = variables(assistant.instructions.template)
    by_name = {column.casefold(): column for column in table.columns}
    found = {name: by_name[name.casefold()] for name in wanted if name.casefold() in by_name}
    left = [name for name in wanted if name not in found]
    free = [column for column in table.columns if column not in found.values()]
    if free and ("input" in left or len(left) == 1):
        sample = table.rows[:50]
        longest = max(free, key=lambda column: sum(len(row[column]) for row in sample))
        found["input" if "input" in left else left[0]] = longest
    return found
