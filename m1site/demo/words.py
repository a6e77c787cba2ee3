"""What the demo says to the person who started it."""

from collections.abc import Mapping

from m1site.demo.place import Place

WHAT_THEY_DO = {
    "riley": "gives goals to agents and watches the runs; can approve nothing",
    "ava": "approves or rejects; in /admin/ looks into everything, and publishes the policy",
    "sam": "approves or rejects, too: a deletion needs two people; in /admin/ writes the policy",
    "omar": "in /admin/ looks after accounts, roles, agents and tools; in an emergency says yes alone",
}
STATE = {"planning": "is at work", "waiting": "waits for people", "completed": "is done", "cancelled": "was cancelled"}


def people(passwords: Mapping[str, str]) -> str:
    """Return who can sign in; passwords are there on the first start only."""
    if not passwords:
        return "  Sign in as riley, ava, sam or omar; the first start showed their passwords. Lost? make demo RESET=1"
    rows = (f"    {name:<5}  {password}  {WHAT_THEY_DO[name]}" for name, password in passwords.items())
    return "\n".join(["  People and their passwords, shown this once:", *rows])


def running(url: str, place: Place, told: Mapping[str, str], has_claude: bool) -> str:
    """Return the address, and what can be done there.

    told   of the run to look at: `run` (its id), `goal`, `agent`, `status`
    """
    claude = "choose the agent `claude` at" if has_claude else "set ANTHROPIC_API_KEY, start again, then"
    return f"""\
  M1 runs at {url} (Ctrl-C stops it)

  "{told["goal"]}": the {_kind(told)} {STATE.get(told["status"], "has failed")}.
    1  Sign in as ava and approve, or reject: an e-mail, a deletion.
    2  Sign in as sam, in a private window: the deletion needs a second person.
    3  See the story, and what policy denied: {url}/runs/{told["run"]}/
       What really happened: {place.shown(place.workspace)}, {place.shown(place.mail)}
    4  As sam write a rule at {url}/admin/policy/rule/; as ava publish it.

  Terminal: make a key at {url}/accounts/keys/, then .venv/bin/m1 login --url {url}; .venv/bin/m1 review
  With Claude: {claude} {url}/runs/new/
  Logs: {place.shown(place.logs)}. Begin afresh: make demo RESET=1"""


def _kind(told: Mapping[str, str]) -> str:
    return "scripted agent `demo`" if told["agent"] == "demo" else f"agent `{told['agent']}`"
