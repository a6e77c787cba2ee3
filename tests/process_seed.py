"""Set up M1 for tests with real processes: who is there, which agents, which policy. Runs as the web process does.

It answers on standard output, in JSON: passwords and API keys by name, and a pre-authorisation for reading.
"""

import json
import secrets
from pathlib import Path

import django

if __name__ == "__main__":
    django.setup()

from django.contrib.auth.models import Group, Permission  # noqa: E402 - models are there only now
from django.db import transaction  # noqa: E402

from agents.models import Agent  # noqa: E402
from audit import clock  # noqa: E402
from m1site.accounts import api_keys  # noqa: E402
from m1site.accounts.models import User  # noqa: E402
from policy import tokens, versions  # noqa: E402
from policy.models import Tool  # noqa: E402

DEMO = Path("m1site/demo")
PEOPLE = {"riley": ["requester"], "ava": ["approver", "auditor"], "sam": ["approver"], "olga": []}
ROBOT = "robot"  # speaks for the agent `external`
SCENARIOS = Path("tests/scenarios")
EFFECTS_RULE = """
  - name: effects
    match:
      tools: [effects.count, hostile.look]
    review:
      requirements:
        - {count: 1, groups: [approver]}
      preauthorization: true

tests:
"""


def main() -> None:
    """Make everything, and print what the tests need to know."""
    with transaction.atomic():
        passwords = {name: secrets.token_urlsafe(16) for name in PEOPLE}
        people = {name: _person(name, groups, passwords[name]) for name, groups in PEOPLE.items()}
        people[ROBOT] = _robot()
        keys = {name: api_keys.create(people[name], name="tests", scopes=api_keys.SCOPES, days=1)[1] for name in people}
        _agents(people["olga"], people[ROBOT])
    policy = (DEMO / "policy.yaml").read_text().replace("\ntests:\n", EFFECTS_RULE)
    why = "Tools without a rule are for tests that call them without one."
    versions.publish(policy, author=people["sam"], publisher=people["ava"], override=why)
    token = tokens.issue_preauthorization(
        person=people["ava"], agents=["demo", "hostile"], requesters=["riley"], tools=["files.list", "files.read"],
        max_uses=500, expires_in_minutes=60,
    )  # fmt: skip
    print(json.dumps({"passwords": passwords, "keys": keys, "preauthorization": str(token.jti)}))


def _person(name: str, groups: list[str], password: str) -> User:
    person = User.objects.create_user(name, password=password, is_staff=name == "ava")
    person.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    if name == "ava":
        person.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return person


def _robot() -> User:
    return User.objects.create_user(ROBOT, kind=User.Kind.SERVICE)


def _agents(owner: User, robot: User) -> None:
    """One agent per scenario file, the demo's among them, one that asks Claude, and one that somebody else runs."""
    files = {"demo": DEMO / "scenario.yaml", **{file.stem: file for file in SCENARIOS.glob("*.yaml")}}
    for name, file in files.items():
        _agent(owner, name, planner=Agent.Planner.SCRIPTED, scenario=file.read_text())
    claude = _agent(owner, "claude", planner=Agent.Planner.CLAUDE, model="claude-opus-5-5", system_prompt="Be brief.")
    claude.tools.set(Tool.objects.filter(name__startswith="files."))
    _agent(owner, "external", planner=Agent.Planner.EXTERNAL, service_account=robot)


def _agent(owner: User, name: str, **fields: object) -> Agent:
    agent = Agent(name=name, owner=owner, environment="test", created_at=clock.now(), **fields)
    agent.full_clean()
    agent.save()
    agent.tools.set(Tool.objects.all())
    return agent


if __name__ == "__main__":
    main()
