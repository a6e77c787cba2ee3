"""What a worker takes for a message: a task's name and one short text at most; no header changes what a task does."""

import json
from typing import Any

import pytest
from celery import Celery

from agents import queue
from m1site import guarded

ID = "01a2083f-2f6b-7c5a-9d3e-5b1f0c9d7e42"
PLAIN = {"task": queue.EXECUTE, "id": ID, "lang": "py"}
NOTHING: dict[str, None] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def body(texts: Any = (ID,), named: Any = None, further: Any = NOTHING) -> bytes:
    return json.dumps([list(texts), named or {}, further]).encode()


def test_what_celery_sends_for_m1_is_taken() -> None:
    with Celery("m1", set_as_current=False) as app:
        for texts in ([], [ID]):
            sent = app.amqp.as_task_v2(ID, queue.EXECUTE, args=texts)
            told = guarded.plain_headers(sent.headers, "application/json", json.dumps(sent.body).encode())
            assert (told["task"], told["id"]) == (queue.EXECUTE, ID)


@pytest.mark.parametrize(
    "more",
    [
        {"timelimit": [0.001, 0.001]}, {"eta": "2200-01-01T00:00:00"}, {"expires": "1970-01-01"}, {"retries": 99},
        {"group": "x"}, {"compression": "application/x-gzip"}, {"stamps": {"a": "b"}}, {"replaced_task_nesting": 7},
        {"shadow": "other"}, {"ignore_result": False}, {"origin": "1@" + "long" * 50},
    ],
)  # fmt: skip
def test_headers_that_would_change_what_a_task_does_are_left_out(more: dict[str, Any]) -> None:
    assert guarded.plain_headers({**PLAIN, **more}, "application/json", body()) == PLAIN


@pytest.mark.parametrize(
    ("headers", "content_type", "text"),
    [
        (PLAIN, "application/x-python-serialize", body()), (PLAIN, None, body()), (PLAIN, "application/json", b""),
        (PLAIN, "application/json", b"\xff"), (PLAIN, "application/json", b"{}"), (PLAIN, "application/json", b"[[]]"),
        (PLAIN, "application/json", b"[" * 1_900), (PLAIN, "application/json", body() + b" " * guarded.MAX_BYTES),
        (PLAIN, "application/json", body([ID, ID])), (PLAIN, "application/json", body([7])),
        (PLAIN, "application/json", body([[ID]])), (PLAIN, "application/json", body(["x" * 101])),
        (PLAIN, "application/json", body(named={"a": 1})), (PLAIN, "application/json", body(further={"chain": ["x"]})),
        (PLAIN, "application/json", body(further={"callbacks": [{"task": "os.system"}]})),
        (PLAIN, "application/json", body(further=[])), ({}, "application/json", body()),
        (None, "application/json", body()), (["task"], "application/json", body()),
        ({"task": queue.EXECUTE}, "application/json", body()), ({**PLAIN, "id": 7}, "application/json", body()),
        ({**PLAIN, "task": {"$ne": 1}}, "application/json", body()),
    ],
)  # fmt: skip
def test_anything_else_is_refused(headers: Any, content_type: Any, text: bytes) -> None:
    with pytest.raises(guarded.ODD):
        guarded.plain_headers(headers, content_type, text)
