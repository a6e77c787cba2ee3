"""Agents in the admin: each edit is an event, with before and after, in the transaction of the edit."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from agents.models import Agent
from audit import canonical, clock, trail

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Agent]
else:
    _Admin = admin.ModelAdmin
MOST_CHARACTERS = 4_000


@admin.register(Agent)
class AgentAdmin(_Admin):
    """Who plans, what for, with which tools, and what it may spend. A run keeps the agent as it was when it began."""

    list_display = ("name", "planner", "model", "owner", "environment", "budget_usd", "is_enabled", "created_at")
    list_filter = ("planner", "is_enabled", "environment")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username", "model")
    filter_horizontal = ("tools",)
    raw_id_fields = ("owner", "service_account", "acts_for")
    readonly_fields = ("created_at",)
    ordering = ("name",)

    def has_delete_permission(self, request: HttpRequest, obj: Agent | None = None) -> bool:
        """Nobody deletes an agent: its runs are on record. Switch it off."""
        return False

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        """Save, and remember what was there before."""
        form.before = snapshot(Agent.objects.get(pk=obj.pk)) if change else {}
        if not change:
            obj.created_at = clock.now()
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the tools, and put the whole edit on the trail."""
        super().save_related(request, form, formsets, change)
        after = snapshot(Agent.objects.get(pk=form.instance.pk))
        changed = {name for name in after if form.before.get(name) != after[name]}
        if changed:
            before = {name: form.before.get(name) for name in changed}
            trail.append(
                "agent.changed", actor=f"user:{request.user.pk}", subject=f"agent:{form.instance.pk}",
                before=before, after={name: after[name] for name in changed},
            )  # fmt: skip


def snapshot(agent: Agent) -> dict[str, Any]:
    """Return the agent as facts for the trail; a text too long for it by its digest."""
    facts: dict[str, Any] = {field.name: field.value_from_object(agent) for field in agent._meta.concrete_fields}
    facts = {name: _short(value) for name, value in facts.items()}
    acts_for = sorted(map(str, agent.acts_for.values_list("pk", flat=True)))
    return facts | {"tools": sorted(agent.tools.values_list("name", flat=True)), "acts_for": acts_for}


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        return f"SHA-256 {canonical.digest(value.encode())}, {len(value)} characters"
    return value
