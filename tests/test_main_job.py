"""The main job over HTTP, with the processes of a real deployment; what happened is told by files, mail and effects."""

import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from celery import Celery

from m1site import broker_setting
from m1site.demo import roles
from tests import claude_server
from tests.claude_rules import Json
from tests.claude_server import ClaudeServer
from tests.effects_server import EffectsServer
from tests.killing import children, kill
from tests.people import Call, assert_the_main_job_is_done, until
from tests.processes import Processes, own_database, running
from tests.services import brokers
from tests.services.brokers import Broker, Tap

LOST_SECONDS = 40  # a lease of 15, a sweep every 2, and a busy machine
WEB_ONLY = {"SECRET_KEY", "M1_JWT_PRIVATE_KEY"}


def as_claude(request: Json) -> claude_server.Answer:
    """Ask to write one file, then tell what came of it."""
    results = [part for part in request["messages"][-1]["content"] if part["type"] == "tool_result"]
    if not results:
        asked = {"path": "reports/may.txt", "content": "All is well.\n", "reason": "The goal asks for a report."}
        return claude_server.message(
            claude_server.text("I will write."), claude_server.tool_use("toolu_1", "files__write", asked)
        )
    return claude_server.message(claude_server.text(f"Told: {json.dumps(results[0])}"))


@pytest.fixture(scope="module")
def effects() -> Iterator[EffectsServer]:
    with EffectsServer() as server:
        yield server


@pytest.fixture(scope="module")
def claude() -> Iterator[ClaudeServer]:
    with ClaudeServer(as_claude) as server:
        yield server


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker | None]:
    """The broker that M1_TEST_BROKER names; without it there is the one that everything has."""
    if not (kind := brokers.chosen()):
        yield None
        return
    if why := brokers.why_not(kind):
        pytest.skip(f"{kind}: {why}")
    broker = brokers.start(kind, tmp_path_factory.mktemp(kind))
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def m1(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, effects: EffectsServer,
    claude: ClaudeServer, broker: Broker | None,
) -> Iterator[Processes]:  # fmt: skip
    """All of M1, on the database that this run is for; tests/m1site/test_demo.py has it on SQLite."""
    model = {"ANTHROPIC_API_KEY": claude_server.KEY, "ANTHROPIC_BASE_URL": claude.url}
    told = {"effects": effects.url, "model": model, "broker": broker}
    with running(request.config, tmp_path_factory.mktemp("m1"), own_database(), **told) as processes:
        yield processes


@pytest.fixture(scope="module", autouse=True)
def tap(m1: Processes) -> Iterator[Tap]:
    """Whatever passes through the broker."""
    with m1.broker.tap() as tap:
        yield tap


def test_the_main_job(m1: Processes) -> None:
    riley = m1.signed_in("riley")
    run = m1.run("demo", riley, preauthorized=True)
    mail, draft = m1.waiting(run, 2)
    assert (mail["tool"], draft["tool"]) == ("email.send", "files.delete")
    assert m1.approve(mail).status == 200
    assert m1.approve(draft, "ava").json["status"] == "pending"
    assert m1.approve(draft, "sam").json["status"] in ("approved", "executing", "succeeded")
    assert_the_main_job_is_done(m1, m1.facts.place, run, mail, draft)
    assert riley.get(f"runs/{run}").json["answer"] == m1.ended(run)["answer"]


def test_claude_asks_a_person_decides_and_claude_is_told(m1: Processes, claude: ClaudeServer) -> None:
    run = m1.run("claude")
    (write,) = m1.waiting(run)
    assert write["arguments"] == {"path": "reports/may.txt", "content": "All is well.\n"}
    assert not (m1.facts.place.workspace / "reports").exists()
    assert m1.approve(write).status == 200
    told = m1.ended(run)
    assert told["status"] == "completed", told
    assert "toolu_1" in told["answer"]
    assert (m1.facts.place.workspace / "reports/may.txt").read_text() == "All is well.\n"
    assert len(claude.requests) == 2


@pytest.fixture(scope="module")
def stranger(m1: Processes) -> Iterator[Celery]:
    """Somebody who has got at the broker."""
    with Celery("stranger", broker=m1.broker.url, set_as_current=False) as app:
        app.conf.task_create_missing_queue_type = broker_setting.queue_type(m1.broker.url)
        yield app


def is_drained(m1: Processes) -> bool:
    """Tell whether the executor has taken and answered for everything in its queue."""
    return m1.broker.is_drained("executor")


def test_the_same_message_ten_times_is_one_effect(m1: Processes, effects: EffectsServer, stranger: Celery) -> None:
    (call,) = m1.waiting(m1.run("counter"))
    for _ in range(10):
        stranger.send_task("agents.execute", args=[call["requestId"]], queue="executor")
    until(lambda: is_drained(m1), what="the queue is empty")
    assert (m1.status(call), effects.counts[call["requestId"]]) == ("pending", 0)
    assert m1.approve(call).status == 200
    for _ in range(10):
        stranger.send_task("agents.execute", args=[call["requestId"]], queue="executor")
    assert m1.ended(call["run"])["answer"] == "It was counted."
    until(lambda: is_drained(m1), what="the queue is empty")
    assert effects.counts[call["requestId"]] == 1


@pytest.fixture(scope="module")
def wreck(m1: Processes, effects: EffectsServer) -> dict[str, Call]:
    """Kill a pool child, then a whole executor, in the middle of their tools; then flush what the broker holds.

    Returns the calls: `child` and `worker`, whose processes were killed, and `flushed`, whose message was lost.
    """
    runs = {name: m1.run("counter") for name in ("child", "worker", "flushed")}
    calls: dict[str, Call] = {name: m1.waiting(run)[0] for name, run in runs.items()}
    executor = m1.children["executor"]
    effects.hold()
    pools = {name: begin(m1, effects, calls[name]) for name in ("child", "worker")}
    assert executor.process
    kill(pools["child"], pools["child"])
    kill(executor.process.pid, pools["worker"])
    executor.kill()
    assert m1.approve(calls["flushed"]).status == 200
    until(lambda: m1.broker.waiting("executor"), what="the message waits")
    m1.broker.empty()
    effects.release()
    executor.start()
    return calls


def begin(m1: Processes, effects: EffectsServer, call: Call) -> int:
    """Approve a call, and return the process that has claimed it once the tool has acted."""
    assert m1.approve(call).status == 200
    until(lambda: effects.counts[call["requestId"]] == 1, what="the tool has acted")
    (event,) = m1.events(f"tool_call:{call['requestId']}", "tool_call.executing")
    return int(event["payload"]["worker"].split(":")[1])


def test_a_call_is_not_taken_for_lost_before_its_lease_has_run_out(
    m1: Processes, effects: EffectsServer, wreck: dict[str, Call]
) -> None:
    for name in ("child", "worker"):
        assert effects.counts[wreck[name]["requestId"]] == 1
        assert m1.status(wreck[name]) == "executing"


def test_forged_messages_have_no_effect_and_the_worker_lives(
    m1: Processes, effects: EffectsServer, stranger: Celery
) -> None:
    alive = until(lambda: pool_of(m1), 60, what="the executor with its pool")
    (waiting,) = m1.waiting(m1.run("counter"))
    forged = {str(uuid4()) for _ in range(200)}  # tests/faults sends a thousand
    for request_id in forged:
        stranger.send_task("agents.execute", args=[request_id], queue="executor")
    for arguments in ([], [waiting["requestId"], 1], [None], [{"$ne": 1}], ["../../etc/passwd"], ["x" * 100_000]):
        stranger.send_task("agents.execute", args=arguments, queue="executor")
    for task in ("os.system", "agents.sandbox.running.run", "builtins.eval", "celery.chord_unlock"):
        stranger.send_task(task, args=["touch /tmp/m1-forged"], queue="executor")
    stranger.send_task("agents.execute", args=[waiting["requestId"]], queue="executor", serializer="pickle")
    until(lambda: is_drained(m1), 120, what="the queue is empty")
    assert not effects.counts.keys() & forged
    assert (m1.status(waiting), effects.counts[waiting["requestId"]]) == ("pending", 0)
    assert pool_of(m1) == alive
    assert m1.approve(waiting).status == 200
    assert m1.ended(waiting["run"])["answer"] == "It was counted."


def pool_of(m1: Processes) -> set[int]:
    """Return the processes of the executor once all of them are there."""
    process = m1.children["executor"].process
    found = {process.pid, *children(process.pid)} if process else set()
    return found if len(found) == 1 + roles.CONCURRENCY["executor"] else set()


def test_a_broker_that_was_flushed_is_a_delay_only(
    m1: Processes, effects: EffectsServer, wreck: dict[str, Call]
) -> None:
    assert m1.ended(wreck["flushed"]["run"])["answer"] == "It was counted."
    assert effects.counts[wreck["flushed"]["requestId"]] == 1


@pytest.mark.parametrize(
    ("killed", "found", "answer"),
    [("child", "succeeded", "It was counted."), ("worker", "failed", "It was not counted.")],
)
def test_a_tool_killed_in_the_middle_is_lost_until_a_person_settles_it(
    m1: Processes, effects: EffectsServer, wreck: dict[str, Call], killed: str, found: str, answer: str
) -> None:
    call = wreck[killed]
    until(lambda: m1.status(call) == "lost", LOST_SECONDS, what="the call is lost")
    assert m1.visitor("riley").get(f"runs/{call['run']}").json["status"] == "waiting"
    body = {"outcome": found, "note": "I have asked the server outside."}
    settled = m1.visitor("ava").post(f"tool-calls/{call['requestId']}/settle", body)
    assert (settled.status, settled.json["status"]) == (200, found)
    assert m1.ended(call["run"])["answer"] == answer
    assert effects.counts[call["requestId"]] == 1
    actions = [event["action"] for event in m1.events(f"tool_call:{call['requestId']}")]
    assert actions[-3:] == ["tool_call.executing", "tool_call.lost", "tool_call.settled"]


def test_each_process_holds_its_own_secrets_only(m1: Processes) -> None:
    held = {name: set(child.environment) for name, child in m1.children.items()}
    assert {name for name in held if held[name] & WEB_ONLY} == {"web"}
    assert {name for name in held if "ANTHROPIC_API_KEY" in held[name]} == {"planner"}
    assert {name for name in held if held[name] & {"M1_EMAIL_URL", "M1_FILES_ROOT"}} == {"executor"}


def test_no_token_and_no_secret_is_in_logs_broker_or_pages(m1: Processes, tap: Tap) -> None:
    (call,) = m1.waiting(m1.run("counter"))
    assert m1.approve(call).status == 200
    m1.ended(call["run"])
    for name in ("ava", "sam", "riley"):
        look_everywhere(m1, name)
    logs = "\n".join(file.read_text(errors="replace") for file in m1.facts.place.logs.iterdir())
    places = {"logs": logs, "broker": tap.text(), "pages": "\n".join(m1.heard)}
    assert f'[["{call["requestId"]}"]' in places["broker"]
    assert "one effect" not in places["broker"], "a message carries an id and nothing else"
    told = {where: sorted(name for name, secret in secrets_of(m1).items() if secret in text)
            for where, text in places.items()}  # fmt: skip
    assert told == {"logs": [], "broker": [], "pages": []}


def look_everywhere(m1: Processes, name: str) -> None:
    """Open every page and every list that somebody can reach."""
    visitor = m1.signed_in(name)
    seen: set[str] = set()
    todo = ["/", "/runs/", "/preauthorizations/", "/admin/", "runs", "tool-calls", "tokens", "preauthorizations"]
    todo += ["audit/events", "policy/active"]
    while todo and len(seen) < 60:
        if (path := todo.pop(0)) in seen:
            continue
        seen.add(path)
        answer = visitor.get(path)
        assert answer.status in (200, 403, 404), (path, answer.status)
        todo += re.findall(r'href="(/(?:runs|approvals|admin)/[^"?#]*)"', answer.text)


def secrets_of(m1: Processes) -> dict[str, str]:
    """Return what must be said nowhere, by name; of each token every part."""
    keys = m1.facts.keys
    pem = keys.private_key.splitlines()[1]
    found = {"session key": keys.session_key, "MAC key": keys.audit_mac_key, "private key": pem}
    found |= {"model key": claude_server.KEY, "broker password": urlsplit(m1.broker.url).password or ""}
    found |= {f"API key of {name}": key for name, key in m1.told["keys"].items()}
    found |= {f"password of {name}": password for name, password in m1.told["passwords"].items()}
    url = m1.facts.place.database_url
    if not url.startswith("sqlite:"):
        found["database password"] = urlsplit(url).password or ""
        with psycopg.connect(url) as connection:
            tokens = [row[0] for row in connection.execute("SELECT token FROM policy_approvaltoken")]
        assert len(tokens) > 1
        parts = {part for token in tokens for part in token.split(".")}
        found |= {f"part {number} of the tokens": part for number, part in enumerate(parts)}
    return found
