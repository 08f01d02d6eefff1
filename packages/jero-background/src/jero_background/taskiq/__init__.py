"""The same queue over a taskiq broker: items that outlive the process, run by worker processes.

Needs the extra: `jero-background[taskiq]`. A worker is started with `python -m jero_background.taskiq shop:app`.
"""

from .tasks import TaskiqTasks
from .worker import WorkerError, run_worker

__all__ = ["TaskiqTasks", "WorkerError", "run_worker"]
