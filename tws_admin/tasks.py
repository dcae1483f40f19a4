"""What Celery's ``autodiscover_tasks`` finds: the one task, which executes the run of an id."""

from __future__ import annotations

try:
    from celery import shared_task
except ModuleNotFoundError:
    # Whoever looks for modules of this name, such as another task queue, finds nothing in it.
    __all__ = []
else:
    __all__ = ["execute"]

    # Acknowledged before the work begins: when the worker dies, the run is lost, and a person
    # decides whether to retry. A message that comes twice does no harm, as a run is claimed once.
    @shared_task(name="tws_admin.execute", ignore_result=True, acks_late=False)
    def execute(run_id: str) -> None:
        """Execute a run in the worker."""
        # It needs models, and apps may not be loaded when the worker looks for tasks.
        from tws_admin.progress.runner import execute as execute_run

        execute_run(run_id)
