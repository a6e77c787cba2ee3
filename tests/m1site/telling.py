"""What tests of real notifications share: an address full of secrets, and the worker's way without waiting."""

from click.testing import CliRunner, Result

from agents.models import Notification, NotificationTarget
from agents.notifications import attempts
from agents.notifications.tasks import deliver
from m1site.cli import group
from tests.targets import HttpTarget

SECRETS = ("hunter2", "secret-path", "s3cret-query")


def url(http: HttpTarget, scheme: str = "json") -> str:
    """Return its address, secret in each part."""
    return f"{scheme}://user:hunter2@{http.place}/hooks/secret-path?-key=s3cret-query"


def send() -> dict[str, bool]:
    """Do what the worker does when it is called for each target; return whether each took a message."""
    return {target.label: deliver(target.pk) for target in NotificationTarget.objects.all()}


def at_once() -> None:
    """Let the times pass that a worker leaves between two messages."""
    NotificationTarget.objects.update(quiet_until=None, lease_until=None)
    Notification.objects.filter(state="waiting").update(next_at=attempts.clock.now())


def m1(*argv: str) -> Result:
    """Call the command as the operator."""
    return CliRunner().invoke(group, [*argv])
