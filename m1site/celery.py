"""Queues and beat: which worker does what, and what happens by the clock. The rest is in settings."""

import os
import sys

from celery import signals
from django.db import close_old_connections
from kombu.transport import TRANSPORT_ALIASES

from m1site import heap
from m1site.broker import App

SWEEP_SECONDS = 2
SWEEPS = (
    "agents.sweep_expired", "agents.sweep_due", "agents.sweep_outbox", "agents.sweep_lost", "agents.sweep_disabled",
    "agents.sweep_notifications",
)  # fmt: skip

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "m1site.settings")
TRANSPORT_ALIASES |= dict.fromkeys(("redis", "rediss"), "m1site.guarded:GuardedTransport")
app = App("m1")
app.set_default()  # also for the threads of the web server: "current" is known to this thread only
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update({"CELERY_DB_REUSE_MAX": sys.maxsize})  # else each task opens a connection anew: twice its own time
app.conf.update(
    imports=["agents.tasks"],
    task_routes={
        "agents.plan": {"queue": "planner"},
        "agents.execute": {"queue": "executor"},
        "agents.preview": {"queue": "executor"},
        "agents.notify": {"queue": "notifications"},
        **{sweep: {"queue": "housekeeping"} for sweep in SWEEPS},
    },
    beat_schedule={sweep: {"task": sweep, "schedule": SWEEP_SECONDS} for sweep in SWEEPS},
    beat_scheduler="m1site.beat:SteadyScheduler",
    worker_consumer="m1site.guarded:GuardedConsumer",
)


@signals.setup_logging.connect
def leave_logging_alone(**_: object) -> None:
    """Keep Celery from adding handlers: Django has set logging up, and a listener here is how Celery is told."""


@signals.worker_process_init.connect
def settle_heap(**_: object) -> None:
    """Keep the collector's pauses short in each child."""
    heap.settle()


@signals.task_prerun.connect
@signals.task_postrun.connect
def look_after_connections(**_: object) -> None:
    """Keep the connection to the database from task to task, unless it is old or broken: as the web does."""
    close_old_connections()
