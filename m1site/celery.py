"""Queues and beat: which worker does what, and what happens by the clock. The rest is in settings."""

import os

from celery import Celery, signals

from m1site import heap

SWEEP_SECONDS = 2
SWEEPS = (
    "agents.sweep_expired", "agents.sweep_due", "agents.sweep_outbox", "agents.sweep_lost", "agents.sweep_disabled",
    "agents.sweep_notifications",
)  # fmt: skip

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "m1site.settings")
app = Celery("m1")
app.set_default()  # also for the threads of the web server: "current" is known to this thread only
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    imports=["agents.tasks"],
    task_routes={
        "agents.plan": {"queue": "planner"},
        "agents.execute": {"queue": "executor"},
        "agents.preview": {"queue": "executor"},
        "agents.notify": {"queue": "notifications"},
        **{sweep: {"queue": "housekeeping"} for sweep in SWEEPS},
    },
    beat_schedule={
        sweep: {
            "task": sweep,
            "schedule": SWEEP_SECONDS,
            "options": {"expires": 2 * SWEEP_SECONDS},  # while no worker listens, the queue holds two of each at most
        }
        for sweep in SWEEPS
    },
)


@signals.setup_logging.connect
def leave_logging_alone(**_: object) -> None:
    """Keep Celery from adding handlers: Django has set logging up, and a listener here is how Celery is told."""


@signals.worker_process_init.connect
def settle_heap(**_: object) -> None:
    """Keep the collector's pauses short in each child."""
    heap.settle()
