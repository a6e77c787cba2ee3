"""Every error says one sentence made of its docstring and its facts."""

from __future__ import annotations

import pickle

from audit.errors import M1Error, MalformedJSONError


class SampleError(M1Error):
    """The call {request_id} is
    gone since {when}.

    Raised for tests only.
    """

    code = "sample"


def test_the_sentence_is_the_first_paragraph_with_the_facts() -> None:
    assert str(SampleError(request_id=7, when="noon")) == "The call 7 is gone since noon."
    assert SampleError(request_id=7, when="noon").detail == "The call 7 is gone since noon."


def test_a_missing_fact_does_not_hide_the_error() -> None:
    assert str(SampleError(when="noon")) == "The call {request_id} is gone since noon."


def test_a_fact_is_never_a_template() -> None:
    assert str(MalformedJSONError(reason="{reason.__class__} {0}")).endswith("accepts: {reason.__class__} {0}.")


def test_an_error_without_words_of_its_own_borrows_those_of_its_parent() -> None:
    silent = type("SilentError", (SampleError,), {})
    assert str(silent(request_id=1, when="dawn")) == "The call 1 is gone since dawn."


def test_an_error_survives_the_way_out_of_a_worker() -> None:
    error = pickle.loads(pickle.dumps(MalformedJSONError(reason="x")))  # noqa: S301 - our own bytes
    assert (str(error), error.facts, error.code) == (str(MalformedJSONError(reason="x")), {"reason": "x"}, error.code)
