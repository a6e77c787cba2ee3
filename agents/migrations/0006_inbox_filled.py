"""Fill what 0005 added: for the calls that wait, and for every run about which somebody was asked."""

from typing import Any

from django.apps.registry import Apps
from django.db import migrations

from agents.approval.audience import digest

BATCH = 500


def fill(apps: Apps, editor: object) -> None:
    """Write it as `agents.approval.audience` does. What is there already stays; to do it again changes nothing."""
    del editor
    _fill_runs(apps.get_model("agents", "RunGroup"), apps.get_model("agents", "RequirementGroup"))
    calls: Any = apps.get_model("agents", "ToolCall")
    for call in calls.objects.filter(status="pending", asked_key="").select_related("run").iterator(BATCH):
        _fill_call(call, apps.get_model("agents", "RequirementGroup"), apps.get_model("agents", "AskedGroup"))


def _fill_runs(run_group: Any, asked: Any) -> None:
    pairs = asked.objects.order_by().values_list("requirement__call__run_id", "name").distinct()
    rows = [run_group(run_id=run, name=name) for run, name in pairs]
    run_group.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


def _fill_call(call: Any, asked: Any, asked_group: Any) -> None:
    now = asked.objects.filter(requirement__call=call.pk, requirement__round=call.round)
    names = sorted(set(now.values_list("name", flat=True)))
    call.agent_id, call.requester_id, call.asked_key = call.run.agent_id, call.run.requester_id, digest(names)
    call.like_key = digest([str(call.run.agent_id), call.tool_name, call.arguments_digest])
    call.save(update_fields=["agent", "requester", "asked_key", "like_key"])
    asked_group.objects.bulk_create(
        [asked_group(key=call.asked_key, name=name) for name in names], ignore_conflicts=True
    )


class Migration(migrations.Migration):
    dependencies = [("agents", "0005_inbox")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
