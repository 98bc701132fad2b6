"""Errors as problem details (RFC 9457): one table of typed errors and their status, one stable ``code`` each.

Whatever a client sends, the answer is one of 4xx; 503 says that this node cannot answer *now* (it catches up, drains,
stops, or has as much to do as it takes at once). A 500 is a defect of the node: it says nothing of the inside and is
logged. ``detail`` is for people and may change; programs go by ``code``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from node.errors import BadRequest, NodeBusy, NodeError, NotFound, NotReady, TransactionRefused
from node.logs import logger
from runtime.errors import AddressInvalid, HostRefused, RuntimeRoomError, TransactionMalformed
from storage.errors import (
    CheckpointFault,
    HeightUnknown,
    NotDurable,
    RecordFault,
    StorageError,
    StoreFault,
    TableUnknown,
)

MEDIA_TYPE = "application/problem+json"

STATUS_OF_CLASS: tuple[tuple[type[Exception], int], ...] = (
    (NotFound, 404),
    (HeightUnknown, 404),
    (BadRequest, 400),
    (AddressInvalid, 400),
    (TableUnknown, 404),
    (RecordFault, 400),
    (TransactionMalformed, 400),
    (TransactionRefused, 422),
    (HostRefused, 422),
    (NotReady, 503),
    (NodeBusy, 503),
    (NotDurable, 503),
    (StoreFault, 503),
    (CheckpointFault, 503),
)
"""The first class that fits gives the status."""

STATUS_OF_CODE: Mapping[str, int] = {"too_large": 413, "mempool_full": 429, "already_known": 409, "nonce_taken": 409}
"""Codes whose status is not that of their class."""

_CODE = re.compile("[a-z][a-z0-9_]*", re.ASCII)
_INTERNAL = "the node failed to answer; its log says why"
_CODE_OF_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    404: "no_such_path",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
}


class InvalidPart(BaseModel):
    """One part of a request that does not fit."""

    model_config = ConfigDict(frozen=True)
    pointer: str = Field(description="Where it stands, such as body/transaction or query/limit.")
    detail: str


class Problem(BaseModel):
    """Why a request was not answered as asked (RFC 9457)."""

    model_config = ConfigDict(frozen=True)
    type: str = Field("about:blank", description="Always about:blank; `code` tells problems apart.")
    title: str = Field(description="The status in words.")
    status: int = Field(ge=400, le=599)
    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Stable and made for programs.")
    detail: str = Field(description="What happened and what to do, for people.")
    errors: list[InvalidPart] = Field(default_factory=list, description="The parts of the request that do not fit.")


def problem_response(
    status: int,
    code: str,
    detail: str,
    errors: list[InvalidPart] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer; only ASCII, since a request may carry text that no encoding takes."""
    code = code if _CODE.fullmatch(code) else "refused"  # a bundle may say anything
    problem = Problem(title=HTTPStatus(status).phrase, status=status, code=code, detail=detail, errors=errors or [])
    # The models do not encode this: their JSON refuses lone surrogates, which `detail` may quote.
    body = json.dumps(problem.model_dump()).encode("ascii")
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def problem_of(error: Exception) -> tuple[int, str, str]:
    """Status, code and detail of a typed error."""
    code = str(getattr(error, "code", "internal"))
    status = next((status for kind, status in STATUS_OF_CLASS if isinstance(error, kind)), 500)
    if status == 500:
        return 500, "internal", _INTERNAL
    return STATUS_OF_CODE.get(code, status), code, str(error)


_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request is not answered as asked; `code` says why.", "content": _CONTENT},
    "5XX": {"description": "The node cannot answer now (503), or has a defect (500).", "content": _CONTENT},
}
"""The ``responses`` that every route has beside its own."""


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem."""
    for kind in (NodeError, RuntimeRoomError, StorageError):
        app.add_exception_handler(kind, _typed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_middleware(Unexpected)


async def _typed(request: Request, error: Exception) -> Response:
    status, code, detail = problem_of(error)
    if status == 500:
        logger("node.http").error("request_failed", method=request.method, path=request.url.path, exc_info=error)
    return problem_response(status, code, detail, headers={"retry-after": "1"} if status in (429, 503) else None)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODE_OF_STATUS.get(error.status_code, "refused")
    return problem_response(error.status_code, code, str(error.detail), headers=error.headers)


async def _validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    parts = [
        InvalidPart(pointer="/".join(str(step) for step in part["loc"]), detail=str(part["msg"]))
        for part in error.errors()[:20]
    ]
    said = parts[0] if parts else InvalidPart(pointer="request", detail="does not fit")
    return problem_response(422, "invalid_request", f"{said.pointer}: {said.detail}", parts)


async def _gone(_: Request, __: Exception) -> Response:
    """Nobody reads this; it keeps a broken connection out of the error log."""
    return problem_response(400, "bad_request", "the connection ended before the request did")


class Unexpected:
    """Turns a defect into one log entry and one problem; without it, frameworks log and answer in their own ways."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and answer 500 if that fails before an answer began."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as failure:
            logger("node.http").error("request_failed", path=scope.get("path", ""), exc_info=failure)
            if not begun and scope["type"] == "http":
                await problem_response(500, "internal", _INTERNAL)(scope, receive, send)
