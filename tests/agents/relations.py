"""People of every relation to a call, and what each is told who acts on it: a table for `test_eligibility`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agents.approval import audience
from agents.models import RequirementGroup
from audit import clock
from m1site.accounts.models import User
from tests.agents.stage import HOUR, Stage
from tests.factories import decide, make_user

MAY, MISSING = "", "There is no such"
OWN, WROTE, ANSWERED = "your own request", "You wrote these arguments", "You have decided already"
ASKED, GLASS, LATE = "Members of approver decide this", "Members of break-glass break", "time to decide has run out"
SERVICE = "Only people decide"
SETTLE_OWN = "nobody those of their own requests"
REVIEWERS = "Auditors, administrators and those whom the rule asks"
Who = Callable[[Stage], User]


@dataclass(frozen=True)
class Case:
    """Who, and what they are told when they vote or edit, break the glass, review that, reopen, settle; "" if they may.

    Left out: as follows from what a vote is answered.
    """

    id: str
    who: Who
    vote: str
    glass: str | None = None
    review: str | None = None
    reopen: str | None = None
    settle: str | None = None
    approve: str | None = None

    def expected(self, act: str) -> str:
        """Return what an act is answered with."""
        given: str | None = getattr(self, act, None)
        if given is None and act in ("approve", "reject", "edit"):
            return self.vote
        return self._follows(act) if given is None else given

    def _follows(self, act: str) -> str:
        if self.vote == MISSING:
            return MISSING
        if act == "glass":
            return LATE if self.vote == LATE else GLASS
        if act == "reopen":
            return MAY if self.vote == ANSWERED else self.vote
        if act == "settle":
            return SETTLE_OWN if self.vote == OWN else MAY
        return {OWN: OWN, ASKED: REVIEWERS}.get(self.vote, MAY)


def new(*groups: str, **fields: Any) -> Who:
    return lambda stage: make_user("", *groups, **fields)


def root(*groups: str) -> Who:
    return lambda stage: make_user("", *groups, is_superuser=True, is_staff=True)


def acts_for(stage: Stage) -> User:
    user = make_user("", "approver", email="wim@example.com")
    stage.call.run.agent.acts_for.add(user)
    return user


def second_of_acts_for(stage: Stage) -> User:
    acts_for(stage)
    return make_user("", "approver", email="WIM@Example.COM")


def allow_self(who: Who) -> Who:
    def arrange(stage: Stage) -> User:
        stage.call_is(allow_self=True)
        return who(stage)

    return arrange


def expired(who: Who) -> Who:
    def arrange(stage: Stage) -> User:
        stage.call_is(expires_at=clock.now() - HOUR / 60)
        return who(stage)

    return arrange


def no_addresses(stage: Stage) -> User:
    User.objects.update(email="")
    return make_user("", "approver")


def addresses_that_are_none(stage: Stage) -> User:
    User.objects.update(email="unknown")
    return make_user("", "approver", email="unknown")


def earlier_editor(stage: Stage) -> User:
    first = stage.editor("One")
    stage.editor("Two")
    return first


def editor_of_what_it_is_again(stage: Stage) -> User:
    first = stage.editor("One")
    stage.editor("Two")
    stage.editor("One")
    return first


def second_account_of(who: Who) -> Who:
    def arrange(stage: Stage) -> User:
        stage.again(who(stage), email="twice@example.com")
        return make_user("", "approver", "break-glass", email="Twice@example.com")

    return arrange


def stands_in(away: Who, user: Who | None = None, **when: int) -> Who:
    return lambda stage: stage.stand_in(away(stage), user(stage) if user else None, **when)


def editor_as_stand_in(stage: Stage) -> User:
    return stage.editor(user=stage.stand_in(make_user("", "approver")))


def chain(stage: Stage) -> User:
    return stage.stand_in(stage.stand_in(make_user("", "approver")))


def voter(*groups: str) -> Who:
    return lambda stage: stage.voter(*groups)


def stood_in_for(stage: Stage) -> tuple[User, User]:
    """Return a person who is away and whose stand-in has voted, and a second stand-in of theirs."""
    away = make_user("", "approver")
    other, user = stage.stand_in(away), stage.stand_in(away)
    decide(stage.call, other, on_behalf_of=away)
    return away, user


def escalated_to(*groups: str) -> Who:
    def arrange(stage: Stage) -> User:
        user = make_user("", *groups)
        RequirementGroup.objects.create(requirement=stage.call.requirements.get(), name=groups[0])
        audience.tell(stage.call, ["approver", groups[0]])
        stage.call_is(escalated_at=clock.now())
        return user

    return arrange


def later_escalated_to(*groups: str) -> Who:
    def arrange(stage: Stage) -> User:
        stage.call_is(escalation_groups=[*groups], escalate_at=clock.now() + HOUR)
        return make_user("", *groups)

    return arrange


def riley(*groups: str) -> Who:
    return lambda stage: stage.again(stage.riley, *groups)


def olga(*groups: str) -> Who:
    return lambda stage: stage.again(stage.olga, *groups)


def bot(*groups: str) -> Who:
    return lambda stage: stage.again(stage.bot, *groups)


APPROVER = new("approver")
GONE = new("approver", is_active=False)
CASES = [
    Case("an approver", APPROVER, MAY),
    Case("an approver who is in another group too", new("finance", "approver"), MAY),
    Case("a member of another group", new("finance"), MISSING),
    Case("a stranger", new(), MISSING),
    Case("a deactivated approver", GONE, MISSING),
    Case("a deactivated superuser", new("approver", is_superuser=True, is_active=False), MISSING),
    Case("the requester", riley(), OWN),
    Case("the requester, an approver too", riley("approver"), OWN),
    Case("the owner, an approver too", olga("approver"), OWN),
    Case("whom the agent acts for, an approver too", acts_for, OWN),
    Case("a second account of the requester", new("approver", email="RILEY@Example.com"), OWN),
    Case("a second account of the owner", new("approver", email="Olga@EXAMPLE.com"), OWN),
    Case("a second account of whom it acts for", second_of_acts_for, OWN),
    Case("a person with the address of the agent's account", new("approver", email="bot@example.com"), OWN),
    Case("an approver where nobody has an address", no_addresses, MAY),
    Case("an approver whose address, like theirs, is none", addresses_that_are_none, MAY),
    Case("a service account among the approvers", new("approver", kind="service"), SERVICE, "Only active people count",
         "Only people review", "Only active people count", "Only people settle"),
    Case("the agent's account among the approvers", bot("approver"), SERVICE, "Only active people count",
         "Only people review", "Only active people count", "Only people settle"),
    Case("the agent's account in break-glass", bot("break-glass"), SERVICE, "Only active people count",
         "Only people review", "Only active people count", "Only people settle"),
    Case("a superuser", root(), ASKED),
    Case("a superuser among the approvers", root("approver"), MAY),
    Case("a superuser who asked for it", lambda s: s.again(s.riley, "approver", is_superuser=True), OWN),
    Case("a superuser who owns the agent", lambda s: s.again(s.olga, "approver", is_superuser=True), OWN),
    Case("an operator", new("operator"), ASKED),
    Case("an auditor", new("auditor"), ASKED, review=MAY),
    Case("an administrator", new("administrator"), ASKED, review=MAY),
    Case("the requester where the rule allows it", allow_self(riley("approver")), MAY, review=OWN, settle=SETTLE_OWN),
    Case("the owner where the rule allows it", allow_self(olga("approver")), MAY, review=OWN, settle=SETTLE_OWN),
    Case("the requester in no group, allowed", allow_self(riley()), ASKED, review=OWN, settle=SETTLE_OWN),
    Case("the agent's account where the rule allows it", allow_self(bot("approver")), SERVICE,
         "Only active people count", "Only people review", "Only active people count", "Only people settle"),
    Case("the editor", lambda s: s.editor(), WROTE),
    Case("the editor, in break-glass too", lambda s: s.again(s.editor(), "break-glass"), WROTE, WROTE),
    Case("a second account of the editor", second_account_of(lambda s: s.editor()), WROTE, WROTE),
    Case("the editor of an earlier revision", earlier_editor, MAY),
    Case("who wrote what another put back", editor_of_what_it_is_again, WROTE),
    Case("who voted; the same once more changes nothing", lambda s: s.voter(), ANSWERED, approve=MAY),
    Case("who voted, in break-glass too", voter("approver", "break-glass"), ANSWERED, ANSWERED, approve=MAY),
    Case("a second account of who voted", second_account_of(lambda s: s.voter()), ANSWERED, ANSWERED),
    Case("a stand-in", stands_in(APPROVER), MAY, review=REVIEWERS),
    Case("a stand-in who is an approver", stands_in(APPROVER, APPROVER), MAY),
    Case("the requester's stand-in", stands_in(riley("approver")), ASKED),
    Case("the owner's stand-in, an approver", stands_in(olga("approver"), APPROVER), MAY),
    Case("the requester's stand-in, allowed", allow_self(stands_in(riley("approver"))), MAY, review=REVIEWERS),
    Case("the requester as a stand-in", stands_in(APPROVER, riley()), OWN),
    Case("the stand-in of who voted", stands_in(lambda s: s.voter()), ASKED),
    Case("a stand-in who voted in their own place", stands_in(APPROVER, voter()), ANSWERED, approve=MAY),
    Case("the stand-in of who voted, an approver", stands_in(lambda s: s.voter(), APPROVER), MAY),
    Case("the stand-in of whose second account voted",
         stands_in(second_account_of(lambda s: s.voter())), ASKED),
    Case("the stand-in of the editor", stands_in(lambda s: s.editor()), ASKED),
    Case("an editor as a stand-in", editor_as_stand_in, WROTE, review=REVIEWERS),
    Case("the stand-in of who was deactivated", stands_in(GONE), MISSING),
    Case("the stand-in of who left the group", stands_in(new()), MISSING),
    Case("the stand-in of a service account", stands_in(new("approver", kind="service")), ASKED),
    Case("a service account as a stand-in", stands_in(APPROVER, new(kind="service")), SERVICE,
         "Only active people count", "Only people review", "Only active people count", "Only people settle"),
    Case("a stand-in before it begins", stands_in(APPROVER, begins=1, ends=2), MISSING),
    Case("a stand-in after it is over", stands_in(APPROVER, begins=-2, ends=-1), MISSING),
    Case("a stand-in after it was ended", stands_in(APPROVER, begins=-2, ended=-1), MISSING),
    Case("the stand-in of a stand-in", chain, MISSING),
    Case("the second stand-in of one person", lambda s: stood_in_for(s)[1], ASKED),
    Case("who is back after the stand-in voted", lambda s: stood_in_for(s)[0], ANSWERED),
    Case("the stand-in of a member of break-glass", stands_in(new("break-glass")), MISSING),
    Case("a further group before it is asked", later_escalated_to("duty"), MISSING),
    Case("a further group when it is asked", escalated_to("duty"), MAY),
    Case("an administrator before they are asked", later_escalated_to("administrator"), ASKED, review=MAY),
    Case("an administrator when they are asked", escalated_to("administrator"), MAY),
    Case("a member of break-glass", new("break-glass"), ASKED, MAY),
    Case("a member of break-glass, an approver too", new("break-glass", "approver"), MAY, MAY),
    Case("a superuser in break-glass", root("break-glass"), ASKED, MAY),
    Case("the requester in break-glass", riley("break-glass"), OWN, OWN),
    Case("the requester in both, allowed", allow_self(riley("break-glass", "approver")), MAY, OWN, OWN,
         settle=SETTLE_OWN),
    Case("a second account of the owner, in break-glass", new("break-glass", email="OLGA@example.com"), OWN, OWN),
    Case("a deactivated member of break-glass", new("break-glass", is_active=False), MISSING),
    Case("an approver after the time", expired(APPROVER), LATE, reopen=MAY),
    Case("a member of break-glass after the time", expired(new("break-glass")), LATE, LATE, REVIEWERS, ASKED),
]  # fmt: skip
