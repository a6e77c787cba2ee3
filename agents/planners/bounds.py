"""Bounds on what a model's server sends: so many bytes, in so much time, and nothing that unfolds into more.

The SDK reads a whole body before anyone may look at it, and would ask again where the end of one is missing. A reply
that has begun has been paid for, so it is not asked for a second time in silence: the error names its request.
"""

import time
from collections.abc import Iterator

import anthropic
import httpx2

MAX_REPLY_BYTES = 8 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024


class UnfinishedReplyError(anthropic.AnthropicError):
    """A reply was on its way and did not come to its end; the SDK passes this on and does not try again.

    request_id   as the provider named the request, or ""
    status       of the HTTP answer, None where not even that came
    retryable    the whole reply may come next time
    """

    def __init__(
        self, problem: str, *, request_id: str = "", status: int | None = None, retryable: bool = True
    ) -> None:
        super().__init__(problem)
        self.request_id = request_id
        self.status = status
        self.retryable = retryable


class Bounds:
    """A response hook for the SDK's HTTP client.

    seconds   from the head of a reply to its end
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __call__(self, response: httpx2.Response) -> None:
        """Bound a response before its body is read."""
        response.headers.pop("content-encoding", None)  # none was asked for; undoing one can make a thousandfold
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _Body(response.stream, response, self._seconds)


class _Body(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, response: httpx2.Response, seconds: float) -> None:
        self._stream = stream
        self._response = response
        self._deadline = time.monotonic() + seconds

    def __iter__(self) -> Iterator[bytes]:
        if self._response.is_success:
            return self._reply()
        return self._error()

    def close(self) -> None:
        self._stream.close()

    def _reply(self) -> Iterator[bytes]:
        """Yield the body. Raises UnfinishedReplyError where it does not end, or not soon enough, or is too long."""
        size = 0
        for chunk in self._chunks():
            size += len(chunk)
            if size > MAX_REPLY_BYTES:
                raise self._unfinished(f"the reply has more than {MAX_REPLY_BYTES:,} bytes.", retryable=False)
            yield chunk

    def _error(self) -> Iterator[bytes]:
        """Yield as much of the body as it takes to say what is wrong; the status alone says enough otherwise."""
        size = 0
        try:
            for chunk in self._chunks():
                yield chunk[: MAX_ERROR_BYTES - size]
                size += len(chunk)
                if size >= MAX_ERROR_BYTES:
                    return
        except UnfinishedReplyError:
            return

    def _chunks(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                if time.monotonic() > self._deadline:
                    raise self._unfinished("the reply came too slowly.")
                yield chunk
        except httpx2.TransportError as error:
            said = str(error) or type(error).__name__
            raise self._unfinished(f"the connection was lost in the middle of the reply ({said}).") from None

    def _unfinished(self, problem: str, *, retryable: bool = True) -> UnfinishedReplyError:
        head = self._response
        return UnfinishedReplyError(
            problem, request_id=head.headers.get("request-id", ""), status=head.status_code, retryable=retryable
        )
