"""A call that two approvers are asked about, and people of every relation to it, for tables of who may do what."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from agents import configuration
from agents.approval import audience
from agents.models import Agent, Delegation, Requirement, RequirementGroup, ToolCall, ToolCallRevision
from audit import canonical, clock
from m1site.accounts.models import User
from tests.factories import decide, groups_named, make_run, make_tool_call, make_user

HOUR = timedelta(hours=1)


@dataclass
class Stage:
    """The call, and those behind it: riley asked for it, olga owns the agent, `bot` is the agent's account."""

    call: ToolCall
    riley: User
    olga: User
    bot: User

    def again(self, user: User, *groups: str, **fields: Any) -> User:
        """Put a person in further groups, change them, and return them as another request would load them."""
        user.groups.add(*groups_named(*groups))
        if fields:
            User.objects.filter(pk=user.pk).update(**fields)
        return User.objects.get(pk=user.pk)

    def call_is(self, **fields: Any) -> None:
        """Change the call."""
        ToolCall.objects.filter(pk=self.call.pk).update(**fields)
        self.call.refresh_from_db()

    def voter(self, *groups: str, **fields: Any) -> User:
        """Make a person who has said yes."""
        user = make_user("", *(groups or ("approver",)), **fields)
        decide(self.call, user)
        return user

    def editor(self, content: str = "Edited", user: User | None = None) -> User:
        """Have a person give the call other arguments, in a round of their own."""
        author = user or make_user("", "approver")
        call = self.call
        body = canonical.encode({"path": "reports/may.txt", "content": content})
        digest = canonical.digest(body)
        ToolCallRevision.objects.create(
            call=call, number=call.revision + 1, arguments=body, digest=digest, author=author, created_at=clock.now()
        )
        self.call_is(revision=call.revision + 1, arguments_digest=digest, round=call.round + 1)
        ask_round(call, ["approver"])
        return author

    def stand_in(
        self, away: User, user: User | None = None, *, begins: int = -1, ends: int = 1, ended: int = 0
    ) -> User:
        """Have a person, new if none is given, stand in for another; times in hours from now; past every check."""
        user = user or make_user()
        now = clock.now()
        Delegation.objects.create(
            person=away, delegate=user, reason="Away.", starts_at=now + begins * HOUR, ends_at=now + ends * HOUR,
            created_at=now, ended_at=now + ended * HOUR if ended else None,
        )  # fmt: skip
        return user


def set_up() -> Stage:
    """Make the stage; two approvers must say yes."""
    riley, olga = make_user("riley", email="riley@example.com"), make_user("olga", email="olga@example.com")
    bot = User.objects.create_user("bot", kind="service", email="bot@example.com")
    agent = Agent.objects.create(
        name="outsider", owner=olga, service_account=bot, planner="external", environment="test", created_at=clock.now()
    )
    return Stage(
        make_tool_call(run=make_run(agent=agent, requester=riley, config=configuration.freeze(agent)), needed=2),
        riley,
        olga,
        bot,
    )


def ask_round(call: ToolCall, groups: list[str], count: int = 2) -> None:
    """Ask people of groups in the call's present round."""
    row = Requirement.objects.create(call=call, round=call.round, count=count)
    RequirementGroup.objects.bulk_create(RequirementGroup(requirement=row, name=name) for name in groups)
    audience.tell(call, groups)
