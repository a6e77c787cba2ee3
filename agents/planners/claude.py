"""Claude, or any server that speaks the Messages API: one request a turn, executing nothing.

The loop around it is M1's own, since an approval may take days and the SDK's runners live in one process. Requests are
posted as bytes, so that every earlier turn goes back exactly as it came; the SDK gives connections, retries and errors.
"""

import re
import time
from dataclasses import replace
from urllib.parse import urlsplit

import anthropic
import httpx2
from anthropic import APIResponse, Timeout

from agents.planners import line, refusals, transcript
from agents.planners.base import MAX_OUTPUT_TOKENS, AbandonedError, Conversation, PlannerError, Reply, RunConfig
from agents.planners.bounds import Bounds
from agents.planners.reading import read
from agents.planners.schemas import for_model
from agents.planners.wire import dump
from agents.pricing import price, usage_of

CONNECT_TIMEOUT_SECONDS = 5.0

# Models from before adaptive thinking answer 400 to it.
_NO_ADAPTIVE_THINKING = re.compile(r"claude-(?:[23]|(?:opus|sonnet|haiku)-4(?:-[0-5]\b|-\d{8}|$))")


class ClaudePlanner:
    """A planner that asks a model.

    timeout       seconds without a byte from the server, and from the head of a reply to its end, after which it is
                  given up
    max_retries   further attempts after 408, 409, 429, 5xx and a connection that was lost before the reply began
    """

    def __init__(self, *, api_key: str, base_url: str, timeout: float, max_retries: int) -> None:
        self._api_key = api_key
        self._base_url = base_url
        try:
            httpx2.URL(base_url)
        except httpx2.InvalidURL as error:
            raise PlannerError(problem=f"the base URL of the model's server is none: {error}.") from error
        self._client = anthropic.Anthropic(
            api_key=api_key,
            base_url=base_url,
            timeout=Timeout(timeout, connect=CONNECT_TIMEOUT_SECONDS),
            max_retries=max_retries,
            middleware=[refusals.one_attempt],
            default_headers={"accept-encoding": "identity"},
            http_client=anthropic.DefaultHttpxClient(
                event_hooks={"request": [line.follow], "response": [Bounds(timeout)]},
                limits=httpx2.Limits(max_keepalive_connections=0),  # a turn cuts its own connection, and no other
            ),
        )

    def next_turn(self, conversation: Conversation) -> Reply:
        """Return Claude's next turn. Raises PlannerError; a reply that was cut short never makes a proposal.

        Within `line.held()` somebody else may end the waiting: AbandonedError.
        """
        request = transcript.next_request(conversation)
        body = self._body(conversation, request)
        started = time.monotonic()
        response = self._send(body)
        latency_ms = round((time.monotonic() - started) * 1000)
        reply = self._read(response, request, conversation.config)
        provider_request_id = response.request_id or ""
        return replace(
            reply, provider_request_id=provider_request_id, retries=response.retries_taken, latency_ms=latency_ms
        )

    def _body(self, conversation: Conversation, request: str) -> bytes:
        """Return the request: the frozen configuration, then the messages, spliced in as they are stored."""
        config = conversation.config
        if config.max_tokens > MAX_OUTPUT_TOKENS:
            raise PlannerError(problem=f"max_tokens is {config.max_tokens}; set at most {MAX_OUTPUT_TOKENS}.")
        head: dict[str, object] = {"model": config.model, "max_tokens": config.max_tokens}
        if config.system_prompt:
            head["system"] = config.system_prompt
        if config.tools:
            head |= {"tools": [for_model(tool) for tool in config.tools], "tool_choice": {"type": "auto"}}
        head |= features(self._base_url, config.model)
        return f'{dump(head)[:-1]},"messages":{transcript.messages(conversation, request)}}}'.encode()

    def _send(self, body: bytes) -> APIResponse[bytes]:
        try:
            # A redirect would carry the whole conversation to a place that nobody configured.
            return self._client.post(
                "/v1/messages", cast_to=APIResponse[bytes], content=body, options={"follow_redirects": False}
            )
        except anthropic.AnthropicError as error:
            told = refusals.planner_error(error, secret=self._api_key)
            if line.is_cut():
                raise AbandonedError(
                    problem=line.CUT, status=told.status, provider_request_id=told.provider_request_id
                ) from error
            raise told from error

    def _read(self, response: APIResponse[bytes], request: str, config: RunConfig) -> Reply:
        """Return the reply in a response. A body that breaks off may come whole next time, any other will not."""
        body = response.read()
        try:
            return read(body.decode(), request=request, config=config)
        except ValueError as error:
            raise self._unreadable(body, response, error, config.model) from error

    def _unreadable(self, body: bytes, response: APIResponse[bytes], error: ValueError, model: str) -> PlannerError:
        """Return why a body is no reply, with what can be read of its cost."""
        status, request_id = response.status_code, response.request_id or ""
        if told := refusals.error_in(body, status=status, request_id=request_id, secret=self._api_key):
            return told
        text = body.decode(errors="replace")
        return PlannerError(
            problem=f"the reply is not one of the Messages API: {error}. Is the base URL right?",
            retryable=not body.strip() or (body.lstrip().startswith(b"{") and not body.rstrip().endswith(b"}")),
            status=status,
            provider_request_id=request_id,
            usage=usage_of(text),
            cost=price(model, text),
        )


def features(base_url: str, model: str) -> dict[str, object]:
    """Return the fields that only Anthropic's own service is sure to know: thinking that can be read, and caching."""
    address = urlsplit(base_url)
    if (address.scheme, address.hostname) != ("https", "api.anthropic.com"):
        return {}
    caching: dict[str, object] = {"cache_control": {"type": "ephemeral"}}
    if _NO_ADAPTIVE_THINKING.match(model):
        return caching
    return caching | {"thinking": {"type": "adaptive", "display": "summarized"}}
