"""M1's own Celery application with one more task, which does nothing: what the same worker can do at best."""

from m1site.celery import app

__all__ = ["app"]
NAME = "bench.bare"


@app.task(name=NAME)
def bare(number: str) -> None:
    """Do nothing."""
