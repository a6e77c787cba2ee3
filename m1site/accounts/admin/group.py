"""Groups: who is in them, what they may, what hangs on their names; each edit an event."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from audit import trail
from audit.events import Event
from m1site.accounts import groups
from m1site.accounts.admin.forms import GroupForm
from m1site.accounts.admin.snapshots import changed, members, of_group
from m1site.accounts.admin.who_may import is_superuser
from m1site.accounts.roles import ROLES

if TYPE_CHECKING:
    _GroupAdmin = admin.ModelAdmin[Group]
else:
    _GroupAdmin = GroupAdmin

admin.site.unregister(Group)


@admin.register(Group)
class M1GroupAdmin(_GroupAdmin):
    """Roles and other groups. People are put into them on their own pages, where nobody changes their own."""

    form = GroupForm
    list_display = ("name", "purpose", "member_count")
    search_fields = ("name",)
    ordering = ("name",)
    filter_horizontal = ("permissions",)
    actions = None  # one at a time, with a look at what hangs on it

    @admin.display
    def purpose(self, group: Group) -> str:
        """Return what a role is for."""
        return ROLES[group.name].purpose if group.name in ROLES else ""

    @admin.display(description="members")
    def member_count(self, group: Group) -> int:
        """Return how many accounts are in it."""
        return group.user_set.count()

    @admin.display(description="members")
    def member_names(self, group: Group) -> str:
        """Return who is in it."""
        return ", ".join(members(group)) or "nobody"

    @admin.display(description="its name")
    def standing(self, group: Group) -> str:
        """Return whether it can be renamed or deleted, and why not."""
        if why := groups.why_kept(group):
            return f"{why} It cannot be renamed or deleted."
        return "It has members and cannot be renamed." if groups.why_not_renamed(group) else "It can be renamed."

    def get_fields(self, request: HttpRequest, obj: Group | None = None) -> tuple[str, ...]:
        """Return what to fill in, or to read."""
        if obj is None:
            return ("name", "permissions") if is_superuser(request) else ("name",)
        return ("name", "purpose", "standing", "member_names", "permissions")

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> tuple[str, ...]:
        """Return what stays as it is: a name that something hangs on, and permissions for all but superusers."""
        if obj is None:
            return ()
        name = ("name",) if groups.why_not_renamed(obj) else ()
        permissions = () if is_superuser(request) else ("permissions",)
        return ("purpose", "standing", "member_names", *name, *permissions)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Keep the groups that something hangs on."""
        return super().has_delete_permission(request, obj) and (obj is None or not groups.why_kept(obj))

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        """Save, and remember what was there before."""
        form.before = of_group(Group.objects.select_for_update(no_key=True).get(pk=obj.pk)) if change else {}
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the permissions too, and write the event of the edit."""
        super().save_related(request, form, formsets, change)
        facts = changed(form.before, of_group(form.instance))
        if facts["after"]:
            _note(request, form.instance, **facts, is_new=not change)

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        """Delete, and write who was in it and what they could do."""
        before = {**of_group(obj), "members": members(obj), "member_count": obj.user_set.count()}
        _note(request, obj, before=before, after={}, is_deleted=True)
        super().delete_model(request, obj)


def _note(request: HttpRequest, group: Group, **facts: Any) -> None:
    trail.append(Event.GROUP_CHANGED, actor=f"user:{request.user.pk}", subject=f"group:{group.pk}", **facts)
