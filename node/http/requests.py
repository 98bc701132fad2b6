"""What requests bring: bodies of bounded size read in bounded time, and the parameters that routes share."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, TypeVar

from fastapi import Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from node.http.problems import problem_response

BODY_SECONDS = 30
"""A client that takes longer to send a body is turned away."""
JSON, BYTES = "application/json", "application/octet-stream"

HeightPath = Annotated[int, Path(ge=0, le=2**53 - 1)]
NumberPath = Annotated[int, Path(ge=0, le=2**53 - 1)]
HashPath = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="64 hex digits, lower case.")]
NamePath = Annotated[str, Path(min_length=1, max_length=64)]
AddressPath = Annotated[str, Path(min_length=1, max_length=100)]
KeyParts = Annotated[
    list[str], Query(default_factory=list, alias="key", max_length=8, description="The key's parts, one `key` each.")
]
Limit = Annotated[int, Query(ge=1, le=1_000, description="Most items of this page.")]
Before = Annotated[int | None, Query(ge=0, le=2**53 - 1, description="`next` of the page before.")]

M = TypeVar("M", bound=BaseModel)


class TransactionRequest(BaseModel):
    """A signed transaction envelope, as hex."""

    model_config = ConfigDict(extra="forbid", strict=True)
    transaction: str = Field(min_length=2, pattern="^([0-9a-fA-F]{2})+$", description="The raw bytes as hex.")


class QueryRequest(BaseModel):
    """The arguments of a query by name; amounts as decimal strings, bytes as hex."""

    model_config = ConfigDict(extra="forbid", strict=True)
    arguments: dict[str, Any] = Field(default_factory=dict)


def json_body(model: type[BaseModel], *, or_bytes: bool = False) -> dict[str, Any]:
    """The ``openapi_extra`` of a route that reads ``model`` itself."""
    content: dict[str, Any] = {JSON: {"schema": model.model_json_schema()}}
    if or_bytes:
        content[BYTES] = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": content}}


async def read_json(request: Request, model: type[M]) -> M:
    """The body as ``model``; raises 415 for another media type, a validation error for what does not fit."""
    if _media_type(request) != JSON:
        raise HTTPException(415, f"send {JSON}")
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as wrong:
        parts = wrong.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**part, "loc": ("body", *part["loc"])} for part in parts]) from None


async def read_transaction(request: Request) -> bytes:
    """Raw transaction bytes, sent as they are or as hex in JSON."""
    if _media_type(request) == BYTES:
        return await request.body()
    return bytes.fromhex((await read_json(request, TransactionRequest)).transaction)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


class BoundedBodies:
    """Refuses bodies above ``most`` bytes, announced or not, and those that take too long to come."""

    def __init__(self, app: ASGIApp, most: int, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._most = most
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or len(announced) > 18 or int(announced) > self._most:
            refusal = problem_response(413, "too_large", self._says(), headers={"connection": "close"})
            return await refusal(scope, receive, send)
        return await self._app(scope, self._counted(receive), send)

    def _says(self) -> str:
        return f"a body may have {self._most} bytes"

    def _counted(self, receive: Receive) -> Receive:
        seen, complete = 0, False
        deadline = asyncio.get_running_loop().time() + self._seconds

        async def counted() -> Message:
            nonlocal seen, complete
            if complete:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, f"a body must come within {self._seconds} seconds") from None
            seen += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if seen > self._most:
                raise HTTPException(413, self._says())
            return message

        return counted
