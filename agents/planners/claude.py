"""Claude, or any server that speaks the Messages API: one request a turn, executing nothing.

The loop around it is M1's own, since an approval may take days and the SDK's runners live in one process. Requests are
posted as bytes, so that every earlier turn goes back exactly as it came; the SDK gives connections, retries and errors.
"""

import re
import time
from dataclasses import replace
from urllib.parse import urlsplit

import anthropic
from anthropic import APIResponse, Timeout

from agents.planners import refusals, transcript
from agents.planners.base import MAX_OUTPUT_TOKENS, Conversation, PlannerError, Reply, RunConfig
from agents.planners.reading import read
from agents.planners.schemas import for_model
from agents.planners.wire import dump

CONNECT_TIMEOUT_SECONDS = 5.0
MAX_REPLY_BYTES = 8 * 1024 * 1024

# Models from before adaptive thinking answer 400 to it.
_NO_ADAPTIVE_THINKING = re.compile(r"claude-(?:[23]|(?:opus|sonnet|haiku)-4(?:-[0-5]\b|-\d{8}|$))")


class ClaudePlanner:
    """A planner that asks a model.

    timeout       seconds without a byte from the server, after which an attempt is given up
    max_retries   further attempts after a lost connection, 408, 409, 429 and 5xx
    """

    def __init__(self, *, api_key: str, base_url: str, timeout: float, max_retries: int) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._client = anthropic.Anthropic(
            api_key=api_key,
            base_url=base_url,
            timeout=Timeout(timeout, connect=CONNECT_TIMEOUT_SECONDS),
            max_retries=max_retries,
            middleware=[refusals.do_not_wait_long],
        )

    def next_turn(self, conversation: Conversation) -> Reply:
        """Return Claude's next turn. Raises PlannerError; a reply that was cut short never makes a proposal."""
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
            raise refusals.planner_error(error, secret=self._api_key) from error

    def _read(self, response: APIResponse[bytes], request: str, config: RunConfig) -> Reply:
        """Return the reply in a response. A body that breaks off may come whole next time, any other will not."""
        body = response.read()
        try:
            if len(body) > MAX_REPLY_BYTES:
                raise ValueError(f"it has {len(body)} bytes, more than {MAX_REPLY_BYTES}")
            return read(body.decode(), request=request, config=config)
        except ValueError as error:
            broke_off = body.lstrip().startswith(b"{") and not body.rstrip().endswith(b"}")
            raise PlannerError(
                problem=f"the reply is not one of the Messages API: {error}. Is the base URL right?",
                retryable=broke_off,
                status=response.status_code,
                provider_request_id=response.request_id or "",
            ) from error


def features(base_url: str, model: str) -> dict[str, object]:
    """Return the fields that only Anthropic's own service is sure to know: thinking that can be read, and caching."""
    address = urlsplit(base_url)
    if (address.scheme, address.hostname) != ("https", "api.anthropic.com"):
        return {}
    caching: dict[str, object] = {"cache_control": {"type": "ephemeral"}}
    if _NO_ADAPTIVE_THINKING.match(model):
        return caching
    return caching | {"thinking": {"type": "adaptive", "display": "summarized"}}
