"""What every REST body and answer has in common: names in camelCase, types taken at their word, nothing unknown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError
from rest_framework import serializers
from rest_framework.request import Request

if TYPE_CHECKING:
    _Serializer = serializers.Serializer[Any]
    _JSONField = serializers.JSONField
else:
    _Serializer = serializers.Serializer
    _JSONField = serializers.JSONField

_Made = TypeVar("_Made")
PAGING = ("cursor", "limit")
_UNDERSCORE = re.compile(r"_([a-z0-9])")


def camel(name: str) -> str:
    """Return a Python name as JSON has it: max_uses is maxUses."""
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)


def caller(request: Request) -> AbstractUser:
    """Return the account that calls; the view's permission has let nobody else in."""
    return cast(AbstractUser, request.user)


def request_key(request: Request) -> UUID | None:
    """Return the key under which what this request creates is found again, if the client gave an Idempotency-Key."""
    key: UUID | None = getattr(request, "request_key", None)
    return key


def once(key: UUID | None, create: Callable[[], _Made]) -> _Made:
    """Return what create() returns; of two requests with one key at once, the later finds the first one's row."""
    try:
        return create()
    except IntegrityError:
        if key is None:
            raise
        return create()


class Shape(_Serializer):
    """An answer: the fields under their names in camelCase."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the declared fields by the names that JSON has."""
        found = {}
        for name, field in super().get_fields().items():
            if camel(name) != name and field.source is None:
                field.source = name
            if isinstance(field, serializers.SerializerMethodField) and not field.method_name:
                field.method_name = f"get_{name}"  # Python's name, which is the declared one
            found[camel(name)] = field
        return found


class Body(Shape):
    """What a client sends: a field that is not known is refused by name, never dropped."""

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """Return the valid body of a request, by Python names. Raises ValidationError."""
        return cls._valid(request.data)

    @classmethod
    def read_query(cls, request: Request) -> dict[str, Any]:
        """Return the valid query of a request, each name given once; paging names are the paginator's."""
        query = {name: values for name, values in request.query_params.lists() if name not in PAGING}
        if twice := [name for name, values in query.items() if len(values) > 1]:
            raise serializers.ValidationError({twice[0]: "is given more than once."})
        return cls._valid({name: values[0] for name, values in query.items()})

    def to_internal_value(self, data: Any) -> Any:
        """Return the values by Python names."""
        if isinstance(data, Mapping) and (unknown := [str(name) for name in data if name not in self.fields]):
            raise serializers.ValidationError({name[:100]: "This field is not known." for name in unknown[:10]})
        return super().to_internal_value(data)

    @classmethod
    def _valid(cls, data: object) -> dict[str, Any]:
        body = cls(data=data)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)


class Text(serializers.CharField):
    """A JSON string, kept as it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the string; a number is not taken for one."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A whole JSON number; neither a string of digits nor `true`."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """`true` or `false`, and no other word for it."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the truth value."""
        if type(data) is not bool:
            self.fail("invalid", input=data)
        return bool(data)


class Identifier(serializers.UUIDField):
    """A UUID in its one usual form."""

    def to_internal_value(self, data: Any) -> UUID:
        """Return the UUID."""
        if not isinstance(data, str) or len(data) != 36:
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class Object(_JSONField):
    """A JSON object, whatever is in it."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the object."""
        if not isinstance(data, dict):
            self.fail("invalid")
        return data


class Money(serializers.DecimalField):
    """US dollars as a JSON string or number, never less than nothing."""

    def __init__(self, *, decimal_places: int = 2, **kwargs: Any) -> None:
        super().__init__(max_digits=16, decimal_places=decimal_places, min_value=0, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the amount."""
        if isinstance(data, bool) or not isinstance(data, str | int | float):
            self.fail("invalid")
        return super().to_internal_value(data)
