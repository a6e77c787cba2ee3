"""What somebody who has got at the broker could put into M1's queues: envelopes as kombu writes them, each wrong."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis

QUEUES = ("executor", "planner", "housekeeping")
TASKS = {"executor": "agents.execute", "planner": "agents.plan", "housekeeping": "agents.sweep_expired"}
MARK = Path("/tmp/m1-forged")  # noqa: S108 - what forged messages would leave behind
PICKLED = b"cos\nsystem\n(S'touch /tmp/m1-forged'\ntR."
Json = Any


def forged(queue: str, request_id: str) -> dict[str, bytes]:
    """Return one message of every kind for a queue, by name.

    request_id   a call that nobody has approved
    """
    task = TASKS[queue]
    body = encoded([[request_id], {}, {}])
    nested: Json = []
    for _ in range(500):
        nested = [nested]
    old = {"task": task, "id": 7, "args": [request_id], "kwargs": []}
    wrong: dict[str, Json] = {
        "no JSON": b"\x00\xff not JSON",
        "empty": b"",
        "a number": b"7",
        "a list": b"[]",
        "null": b"null",
        "an empty object": b"{}",
        "deep": b"[" * 100_000,
        "no properties": {"body": body, "headers": {"task": task, "id": str(uuid4())}},
        "no delivery info": envelope(queue, task, body, properties={"delivery_info": None}),
        "no delivery tag": envelope(queue, task, body, properties={"delivery_tag": None}),
        "a tag of another type": envelope(queue, task, body, properties={"delivery_tag": {"$gt": ""}}),
        "an encoding nobody knows": envelope(queue, task, body, properties={"body_encoding": "rot13"}),
        "no base64": envelope(queue, task, "%%%"),
        "half a base64": envelope(queue, task, body[:5]),
        "no body": envelope(queue, task, None),
        "a body of another type": envelope(queue, task, {"a": 1}),
        "nonsense in it": envelope(queue, task, plain(b"\xff\xfe{")),
        "pickled": envelope(queue, task, plain(PICKLED), "application/x-python-serialize", "binary"),
        "pickled, called JSON": envelope(queue, task, plain(PICKLED)),
        "YAML": envelope(queue, task, plain(b"!!python/object/apply:os.system [id]"), "application/x-yaml"),
        "a type nobody knows": envelope(queue, task, body, "application/x-m1"),
        "no type": envelope(queue, task, body, None),
        "an alphabet nobody knows": envelope(queue, task, body, encoding="klingon"),
        "compressed": envelope(queue, task, plain(zlib.compress(b" " * 50_000_000)), headers={
            "task": task, "id": str(uuid4()), "compression": "application/x-gzip"}),
        "no headers": envelope(queue, task, body, headers=None),
        "headers of another type": envelope(queue, task, body, headers=["task"]),
        "no task": envelope(queue, None, body),
        "a task of another type": envelope(queue, {"$ne": 1}, body),
        "an unknown task": envelope(queue, "os.system", encoded([["touch /tmp/m1-forged"], {}, {}])),
        "Celery's own task": envelope(queue, "celery.chord_unlock", encoded([["a", {}], {}, {}])),
        "a task of no id": envelope(queue, task, body, headers={"task": task}),
        "an id of another type": envelope(queue, task, body, headers={"task": task, "id": 7}),
        "arguments of another type": envelope(queue, task, encoded("abc")),
        "too few parts": envelope(queue, task, encoded([[]])),
        "too many arguments": envelope(queue, task, encoded([[request_id, 1, 2], {}, {}])),
        "named arguments": envelope(queue, task, encoded([[], {"request_id": request_id, "__class__": 1}, {}])),
        "a number for an id": envelope(queue, task, encoded([[1e308], {}, {}])),
        "nothing for an id": envelope(queue, task, encoded([[None], {}, {}])),
        "a path for an id": envelope(queue, task, encoded([["../../etc/passwd"], {}, {}])),
        "a megabyte for an id": envelope(queue, task, encoded([["x" * 1_000_000], {}, {}])),
        "depth for an id": envelope(queue, task, encoded([[nested], {}, {}])),
        "a NUL in the id": envelope(queue, task, encoded([[request_id + "\0"], {}, {}])),
        "a date that is none": envelope(queue, task, body, headers=headers(task, eta="yesterday", expires="never")),
        "retries that are none": envelope(queue, task, body, headers=headers(task, retries="x", timelimit="y")),
        "no time": envelope(queue, task, body, headers=headers(task, timelimit=[0.001, 0.001])),
        "what is to follow": envelope(queue, task, encoded([[request_id], {}, {
            "callbacks": [{"task": "os.system", "args": ["id"], "kwargs": {}, "options": {}}], "chain": ["x"],
            "errbacks": [{"task": "os.system", "args": ["id"], "kwargs": {}, "options": {}}], "chord": "x"}])),
        "a place for the answer": envelope(queue, task, body, properties={"reply_to": "executor", "correlation_id": 7}),
        "an old protocol": envelope(queue, None, encoded(old), headers={}),
    }  # fmt: skip
    return {name: one if isinstance(one, bytes) else json.dumps(one).encode() for name, one in wrong.items()}


def envelope(
    queue: str, task: Json, body: Json, kind: Json = "application/json", encoding: Json = "utf-8",
    *, headers: Json = ..., properties: dict[str, Json] | None = None,
) -> Json:  # fmt: skip
    """Return a message as it stands in Redis, with parts of it replaced."""
    told = {"task": task, "id": str(uuid4()), "lang": "py"} if headers is ... else headers
    tag = {"delivery_tag": str(uuid4()), "delivery_info": {"exchange": "", "routing_key": queue}, "priority": 0}
    given = {"body_encoding": "base64", "delivery_mode": 2, **tag, **(properties or {})}
    return {"body": body, "content-type": kind, "content-encoding": encoding, "headers": told, "properties": given}


def headers(task: str, **more: Json) -> Json:
    """Return the headers of a task, and more."""
    return {"task": task, "id": str(uuid4()), "lang": "py", **more}


def encoded(value: Json) -> str:
    """Return a body as it stands in an envelope."""
    return plain(json.dumps(value).encode())


def plain(text: bytes) -> str:
    """Return bytes as they stand in an envelope."""
    return base64.b64encode(text).decode()


def spoil_unanswered(broker: redis.Redis) -> None:
    """Put nonsense among the messages that workers have taken and not answered for, overdue."""
    for tag, text in {"x": b"not JSON", "y": b"[1]", "z": b"[{}, [], {}]", "nothing": b"null"}.items():
        broker.hset("unacked", tag, text)
        broker.zadd("unacked_index", {tag: 1})


def give_back(broker: redis.Redis) -> None:
    """Have Redis hand out again what killed workers had taken: left alone, it waits for longer than a test."""
    for tag in broker.hkeys("unacked"):
        broker.zadd("unacked_index", {tag: 1})


def put(broker: redis.Redis, queue: str, messages: list[bytes]) -> None:
    """Put messages into a queue, past every library."""
    for message in messages:
        broker.lpush(queue, message)


def is_drained(broker: redis.Redis) -> bool:
    """Tell whether workers have taken and answered for all there was."""
    return not any(broker.llen(queue) for queue in ("executor", "planner")) and not broker.hlen("unacked")
