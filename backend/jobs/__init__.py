"""Long work: run folders, the child process that fills one, and the service that reads them.

    Runs(folder, settings)         one per project (`<project>/runs`) and one for the house (`<home>/runs`, downloads)
      .submit(kind, config, title) -> Run      returns at once; a child works: `python -m backend.jobs.worker <folder>`
      .list() -> list[Run]                     newest first; marks the dead ones interrupted
      .get(run_id) -> Run                      raises NotFound("error.run_missing")
      .stop(run_id) / .resume(run_id) / .remove(run_id) / .undo_remove(run_id)

    Run: id, kind, title, state, done, total, unit, rate, seconds_left, message_key, message_details, error_key,
         error_details, result, config, created, started, ended, folder, active (property), resumable (property)
    States: queued, running, stopping, stopped, succeeded, failed, interrupted.

Who writes what: `config.json` the service, before a worker starts; `state.json` the worker while it holds
`worker.lock`, else the service under `control.lock`; `stop` the service. A lock goes with its process, so no kill
leaves one behind.
"""
