"""ClaudePlanner, through the real SDK, against a server that refuses what the Messages API refuses."""

import json
from dataclasses import replace

import pytest

from agents.planners.base import MAX_OUTPUT_TOKENS, Conversation, PlannerError, Stop, ToolSpec, ToolUse
from agents.planners.claude import ClaudePlanner, features
from tests.agents.asking_claude import claude, failure, first_turn
from tests.agents.conversations import READ, conversation, outcome, then
from tests.claude_server import KEY, Answer, ClaudeServer, message, text, thinking, tool_use


def raw_turn(arguments: str, *, block: str = "", stop_reason: str = "tool_use") -> Answer:
    """Return a reply whose tool input is exactly these characters."""
    tool = f'{{"type":"tool_use","id":"toolu_1","name":"files__read","input": {arguments}{block}}}'
    head = '{"id":"msg_1","type":"message","role":"assistant","model":"m",'
    return Answer(200, f'{head}"content":[{tool}],"stop_reason":"{stop_reason}","usage":null}}'.encode())


def test_a_tool_use_becomes_a_proposal_under_m1s_name_without_its_reason() -> None:
    with claude([message(text("I look."), tool_use("toolu_1", "files__read", {"path": "a", "reason": "To see."}))]) as (
        planner,
        server,
    ):
        reply = planner.next_turn(conversation())

    assert reply.stop is Stop.CALLS
    assert reply.uses == (ToolUse("toolu_1", "files.read", b'{"path": "a"}', "To see."),)
    assert (reply.text, reply.stop_reason, reply.model) == ("I look.", "tool_use", "claude-opus-5-5")
    assert (reply.message_id, reply.provider_request_id) == ("msg_loopback", "req_0001")
    assert (reply.retries, reply.scripted, reply.usage.input, reply.cost.priced) == (0, False, 100, True)
    sent = server.requests[0].json
    assert sent["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Tidy the workspace."}]}]
    assert sent["tool_choice"] == {"type": "auto"} and "thinking" not in sent and "stream" not in sent
    read = sent["tools"][0]
    assert (read["name"], list(read["input_schema"]["properties"])) == ("files__read", ["reason", "path"])
    assert read["input_schema"]["required"] == ["reason", "path"]


def test_a_whole_conversation_goes_on_in_a_new_process_with_every_earlier_byte_unchanged() -> None:
    turns = [
        message(thinking("Ünder way.", "sig=="), tool_use("toolu_1", "files__read", {"path": "a", "reason": "r"})),
        message(
            {"type": "redacted_thinking", "data": "xyz"},
            {"type": "never_heard_of", "z": 1.0, "a": 12345678901234567890},
        ),
        message(thinking("", "sig2"), text("All done.")),
    ]
    asked = replace(turns[1], body=turns[1].body.replace(b'"end_turn"', b'"pause_turn"'))
    with ClaudeServer([turns[0], asked, turns[2]]) as server:
        run = conversation()
        for outcomes in ((outcome("toolu_1", output="hello"),), (), ()):
            planner = ClaudePlanner(api_key=KEY, base_url=server.url, timeout=10, max_retries=0)
            reply = planner.next_turn(run)
            run = then(run, reply, *outcomes)

    assert (reply.stop, reply.text) == (Stop.DONE, "All done.")
    assert [turn.request for turn in run.turns][2] == ""
    for turn in run.turns[:2]:
        content = turn.reply[turn.reply.index('"content": ') + 11 : turn.reply.index(', "stop_reason"')]
        assert f'{{"role":"assistant","content":{content}}}'.encode() in server.requests[2].body
    results = json.loads(run.turns[1].request)
    assert results == [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "hello"}]


def test_all_calls_of_a_turn_are_answered_in_one_message_in_their_order() -> None:
    asked = [tool_use(f"toolu_{n}", "files__read", {"path": str(n), "reason": "r"}) for n in range(3)]
    outcomes = [outcome("toolu_2", "rejected", note="Wrong file."), outcome("toolu_0", output="zero")]
    with claude([message(*asked), message(text("Fine."))]) as (planner, server):
        first = planner.next_turn(conversation())
        planner.next_turn(then(conversation(), first, *outcomes, outcome("toolu_1", "denied", note="Not allowed.")))

    assert [use.id for use in first.uses] == ["toolu_0", "toolu_1", "toolu_2"]
    results = server.requests[1].json["messages"][-1]["content"]
    assert [(result["tool_use_id"], result.get("is_error", False)) for result in results] == [
        ("toolu_0", False),
        ("toolu_1", True),
        ("toolu_2", True),
    ]
    assert "person rejected" in results[2]["content"] and "Wrong file." in results[2]["content"]


@pytest.mark.parametrize(
    ("stop_reason", "stop"),
    [
        ("end_turn", Stop.DONE),
        ("stop_sequence", Stop.DONE),
        ("max_tokens", Stop.TRUNCATED),
        ("model_context_window_exceeded", Stop.TRUNCATED),
        ("refusal", Stop.REFUSED),
        ("pause_turn", Stop.PAUSED),
        ("compaction", Stop.FAILED),
        ("\x00", Stop.FAILED),
    ],
)
def test_each_stop_reason_has_its_meaning_and_none_of_these_proposes(stop_reason: str, stop: Stop) -> None:
    reply = first_turn(message(text("So far."), stop_reason=stop_reason))

    assert (reply.stop, reply.uses, reply.text) == (stop, (), "So far.")
    assert bool(reply.problem) == (stop is Stop.FAILED)


@pytest.mark.parametrize("stop_reason", ["end_turn", "max_tokens", "refusal", "pause_turn", "stop_sequence", "unheard"])
def test_a_tool_use_under_any_other_stop_reason_is_never_proposed(stop_reason: str) -> None:
    half = tool_use("toolu_1", "files__read", {})  # `{"path": "/etc/pas` cut by max_tokens arrives as {}
    reply = first_turn(message(half, stop_reason=stop_reason))

    assert reply.uses == () and reply.stop is not Stop.CALLS
    assert reply.stop is not Stop.DONE  # the run must not pass for answered while a call was dropped


@pytest.mark.parametrize(
    "blocks",
    [
        [],
        [text("no calls")],
        [tool_use("toolu_1", "files__read", {}), tool_use("toolu_1", "files__read", {})],
        [tool_use("", "files__read", {})],
        [tool_use("bad\x00id", "files__read", {})],
        [{"type": "tool_use", "name": "files__read", "input": {}}],
    ],
    ids=["empty", "only text", "same id", "empty id", "NUL in id", "no id"],
)
def test_a_tool_use_stop_whose_calls_cannot_be_answered_fails(blocks: list[dict[str, object]]) -> None:
    reply = first_turn(message(*blocks, stop_reason="tool_use"))

    assert (reply.stop, reply.uses) == (Stop.FAILED, ()) and reply.problem


def test_a_refusal_says_why() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "Not with me."}
    assert first_turn(message(stop_reason="refusal", stop_details=details)).text == "cyber: Not with me."


@pytest.mark.parametrize(
    ("arguments", "kept", "reason"),
    [
        ('{"path":"a","reason":"r"}', '{"path":"a"}', "r"),
        ('{ "reason" : "r" , "path" : 1.0 }', '{"path" : 1.0}', "r"),
        ('{"n":1,"m":1.0,"big":123456789012345678901234567890,"e":1e400,"reason":"r"}', None, "r"),
        ('{"n":' + "9" * 5000 + ',"reason":"r"}', None, "r"),
        ('{"path":"\\ud800\\u0000","reason":"r"}', '{"path":"\\ud800\\u0000"}', "r"),
        ('{"re\\u0061son":"r"}', "{}", "r"),
        ('{"path":"a"}', '{"path":"a"}', ""),
        ('{"path":"a","reason":7}', '{"path":"a","reason":7}', ""),
        ('{"path":"a","reason":"r","path":"b"}', '{"path":"a","path":"b"}', "r"),
        ('{"reason":"r","reason":"s"}', '{"reason":"r","reason":"s"}', ""),
        ('{"a":{"b":1,"b":2},"reason":"r"}', '{"a":{"b":1,"b":2}}', "r"),
        ('"a string"', '"a string"', ""),
        ("[1]", "[1]", ""),
        ("null", "null", ""),
        ("{}", "{}", ""),
    ],
)
def test_arguments_reach_the_policy_check_as_the_model_wrote_them(
    arguments: str, kept: str | None, reason: str
) -> None:
    (use,) = first_turn(raw_turn(arguments)).uses

    assert use.arguments.decode() == (kept or arguments.replace(',"reason":"r"', ""))
    assert use.reason == reason


def test_a_malformed_call_can_be_denied_and_the_conversation_goes_on() -> None:
    with claude([raw_turn('{"path":"a","path":"\\ud800","n":1e400}'), message(text("Sorry."))]) as (planner, server):
        first = planner.next_turn(conversation())
        second = planner.next_turn(then(conversation(), first, outcome("toolu_1", "denied", note="Malformed.")))

    assert second.stop is Stop.DONE
    assert b'"input": {"path":"a","path":"\\ud800","n":1e400}' in server.requests[1].body


def test_text_that_the_database_cannot_hold_is_made_visible() -> None:
    reply = first_turn(message(text("a\x00b\ud800c"), tool_use("t", "x\x00y", {"reason": "\x00!"})))

    assert (reply.text, reply.uses[0].tool, reply.uses[0].reason) == ("a␀b\ufffdc", "x␀y", "␀!")
    assert "\\u0000" in reply.reply


@pytest.mark.parametrize("name", ["files__nothing", "rm -rf", "", "Files__Read"])
def test_a_tool_that_was_never_offered_keeps_the_models_word_for_it(name: str) -> None:
    (use,) = first_turn(message(tool_use("toolu_1", name, {"path": "a", "reason": "r"}))).uses

    assert (use.tool, use.arguments) == (name, b'{"path": "a"}')


def test_a_tool_with_an_argument_called_reason_keeps_it() -> None:
    arguments = {"m1_reason": "Why.", "reason": "damaged", "amount": 3}
    with claude([message(tool_use("toolu_1", "shop__refund", arguments))]) as (planner, server):
        (use,) = planner.next_turn(conversation()).uses

    assert (use.arguments, use.reason) == (b'{"reason": "damaged","amount": 3}', "Why.")
    assert server.requests[0].json["tools"][1]["input_schema"]["required"] == ["m1_reason", "reason", "amount"]


@pytest.mark.parametrize(
    "usage", [None, {}, {"input_tokens": None, "output_tokens": None, "cache_creation": None}, [], 7]
)
def test_a_server_that_counts_no_tokens_is_tolerated_and_unpriced(usage: object) -> None:
    reply = first_turn(message(text("Hi."), usage=usage, model=None, id=None))

    assert (reply.stop, reply.usage.input, reply.cost.usd, reply.cost.priced) == (Stop.DONE, 0, None, False)
    assert reply.model == "claude-opus-5-5"


@pytest.mark.parametrize("block", [',"input":{"path":"b"}', ',"name":"files__write"', ',"id":"toolu_2"'])
def test_a_call_of_which_a_part_is_given_twice_is_not_resolved_to_either(block: str) -> None:
    assert "duplicate key" in str(failure(raw_turn('{"path":"a","reason":"r"}', block=block)))


def test_what_the_api_would_refuse_is_refused_before_it_is_sent() -> None:
    with claude([]) as (planner, server):
        for run, words in [
            (conversation(max_tokens=MAX_OUTPUT_TOKENS + 1), "max_tokens"),
            (conversation(tools=(ToolSpec("a" * 65, "", READ.schema),)), "64 characters"),
        ]:
            with pytest.raises(PlannerError, match=words):
                planner.next_turn(run)

    assert server.requests == []


def test_the_sdk_takes_nothing_from_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-from-the-environment")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-from-the-environment")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")

    assert first_turn(message(text("Hi."))).stop is Stop.DONE


@pytest.mark.parametrize(
    ("base_url", "model", "sent"),
    [
        ("https://api.anthropic.com", "claude-opus-5-5", {"cache_control", "thinking"}),
        ("https://api.anthropic.com/", "claude-sonnet-4-6", {"cache_control", "thinking"}),
        ("https://api.anthropic.com", "claude-haiku-4-5-20251001", {"cache_control"}),
        ("https://api.anthropic.com", "claude-opus-4-20250514", {"cache_control"}),
        ("https://api.anthropic.com.evil.example", "claude-opus-5-5", set()),
        ("http://api.anthropic.com", "claude-opus-5-5", set()),
        ("http://localhost:11434", "llama3", set()),
    ],
)
def test_only_anthropics_own_host_is_sent_what_only_it_knows(base_url: str, model: str, sent: set[str]) -> None:
    assert set(features(base_url, model)) == sent


def test_a_conversation_that_was_altered_is_refused_by_the_server() -> None:
    """The server's own guard: it would let none of the promises above pass unseen."""
    asked = message(thinking("So.", "sig"), tool_use("toolu_1", "files__read", {"path": "a", "reason": "r"}))

    def altered(run: Conversation) -> list[Conversation]:
        turn, config = run.turns[0], run.config
        return [
            replace(run, turns=(replace(turn, reply=turn.reply.replace("So.", "So!")),)),
            replace(run, turns=(replace(turn, request=turn.request.replace("Tidy", "Wipe")),)),
            replace(run, config=replace(config, system_prompt="Other.")),
            replace(run, config=replace(config, tools=config.tools[:1])),
            replace(run, config=replace(config, model="claude-opus-5")),
        ]

    with claude(lambda request: asked) as (planner, _):
        run = then(conversation(), planner.next_turn(conversation()), outcome("toolu_1"))
        for changed in altered(run):
            with pytest.raises(PlannerError, match="prefix_binding_mismatch"):
                planner.next_turn(changed)
        assert planner.next_turn(run).stop is Stop.CALLS
