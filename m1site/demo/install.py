"""The operator's step of every start: the database as the code wants it, and the tools as the code declares them."""

from django.conf import settings
from django.core.management import call_command

from agents import tool_versions
from m1site.demo.people import ACTOR
from policy import allowlist
from policy.models import ToolVersion


def main() -> None:
    """Migrate, then allow the versions of tools that are new, in place of older ones."""
    call_command("migrate", interactive=False, verbosity=0)
    for version in allowlist.sync(settings.M1_TOOLS, actor=ACTOR):
        replace_older(version)


def replace_older(version: ToolVersion) -> None:
    """Enable a new version and disable the others, whose code is no longer there to run."""
    older = ToolVersion.objects.filter(tool=version.tool, state=ToolVersion.State.ENABLED).exclude(pk=version.pk)
    for one in older:
        tool_versions.disable(one.pk, actor=ACTOR)
    tool_versions.enable(version.pk, actor=ACTOR)
