"""The HTTP application: public routes over a `NodeFace`, problems for every error, an OpenAPI document that is true.

The operator's actions (node.http.operator) are beside that surface and not in the document: they need a token.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from node.http import problems, routes
from node.http.face import NodeFace
from node.http.requests import BoundedBodies

OPENAPI_PATH = "/openapi.json"
_ABOUT = (
    "One Synod node. Amounts are decimal strings, since a JSON number above 2^53 loses digits; heights, counts and "
    "ids are numbers. Bytes are lower-case hex. Errors are problem details (RFC 9457); programs go by `code`."
)


def create_app(
    node: NodeFace, release: str = "0", body_bytes: int = 512 * 1024, operator: APIRouter | None = None
) -> FastAPI:
    """The application over ``node``; ``release`` names the host software in the OpenAPI document, ``operator`` are the
    operator's routes, if it has them."""
    app = FastAPI(
        title="Synod node",
        version=release,
        description=_ABOUT,
        openapi_url=OPENAPI_PATH,
        docs_url=None,  # its page would load from another host
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in (routes.node_routes, routes.chain_routes, routes.module_routes, routes.governance_routes):
        app.include_router(router(node))
    if operator is not None:
        app.include_router(operator)
    problems.install(app)
    app.add_middleware(BoundedBodies, most=body_bytes)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        template = "#/components/schemas/{model}"
        _, models = models_json_schema([(problems.Problem, "serialization")], ref_template=template)
        document["components"]["schemas"].update(models["$defs"])
        app.openapi_schema = document
    return app.openapi_schema
