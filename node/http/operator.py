"""The operator's routes, beside the public surface: not in its OpenAPI document, and closed without the token.

| path                       | what                                                                |
|----------------------------|---------------------------------------------------------------------|
| POST /operator/checkpoint  | a checkpoint of the last committed height, while the chain runs     |
| POST /operator/halt        | the node ends after the block under way                             |

A request shows the token of this run (node.operator_token) as ``Authorization: Bearer TOKEN``. It is compared in a
time that tells nothing of it, before anything else of the request is looked at.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Literal, Protocol

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from node.http.answers.base import Answer, HashHex, Height
from node.http.requests import read_json
from storage.checkpoint import REASON_CHARACTERS


class CheckpointRequest(BaseModel):
    """Why a checkpoint is taken, as lists of checkpoints will show it."""

    model_config = ConfigDict(extra="forbid", strict=True)
    reason: str = Field(max_length=REASON_CHARACTERS)


class CheckpointMade(Answer):
    """A checkpoint that stands in the node's home."""

    name: str
    height: Height
    app_root: HashHex


class Halting(Answer):
    """The node is about to end."""

    state: Literal["stopping"] = "stopping"


class Operator(Protocol):
    """What the operator can ask of a node."""

    async def checkpoint(self, reason: str) -> CheckpointMade:
        """Take a checkpoint; raises what storage finds wrong."""

    async def halt(self) -> None:
        """End the node in order."""

    def turned_away(self) -> None:
        """Somebody came without the token."""


def operator_routes(operator: Operator, token: str) -> APIRouter:
    """The routes, open to whoever shows ``token``."""

    def authorized(authorization: Annotated[str, Header()] = "") -> None:
        shown = authorization.encode("latin-1")  # as header bytes are read
        if not hmac.compare_digest(shown, f"Bearer {token}".encode()):
            operator.turned_away()
            said = "show the text of operator-token in the node's home as `Authorization: Bearer ...`"
            raise HTTPException(401, said, headers={"www-authenticate": "Bearer"})

    router = APIRouter(prefix="/operator", dependencies=[Depends(authorized)], include_in_schema=False)

    @router.post("/checkpoint")
    async def checkpoint(request: Request) -> CheckpointMade:
        """Take a checkpoint while the chain runs."""
        return await operator.checkpoint((await read_json(request, CheckpointRequest)).reason)

    @router.post("/halt", status_code=202)
    async def halt() -> Halting:
        """End the node after the block under way."""
        await operator.halt()
        return Halting()

    return router
