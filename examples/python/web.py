"""A web application in which every capsule of a folder is a route: POST /CAPSULE/ACTION calls its hook with the body.

The host lives as long as the application: it is opened when that starts and closed when it ends. Who asks is in the
header ``x-principal``; a real application would have it from a session. A request that is cancelled stops its guest.

    uvicorn --app-dir examples/python --factory web:application
"""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import AsyncIterator, Mapping

from astrid_host import ApprovalQuestion, AstridError, AsyncCapsule, AsyncHost, Decision
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

CAPSULES = pathlib.Path(__file__).parent.parent / "capsules"
# What went wrong, for people who speak HTTP; everything else is our own fault.
STATUSES = {
    "invalid_argument": 400,
    "principal_refused": 403,
    "capability_denied": 403,
    "quota_exceeded": 429,
    "fuel_exhausted": 429,
    "closed": 503,
    "timeout": 504,
}


async def on_approval(question: ApprovalQuestion) -> Decision:
    """Tea may be bought. Yachts may not."""
    return Decision.APPROVE if question.resource.startswith("tea") else Decision.DENY


@contextlib.asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, dict[str, AsyncCapsule]]]:
    """Open the host, load every capsule, and close it when the application ends."""
    with tempfile.TemporaryDirectory() as fresh:
        home = os.environ.get("ASTRID_HOME", fresh)
        async with await AsyncHost.open(home, on_approval=on_approval) as host:
            found = (await host.discover([CAPSULES])).found
            for capsule in found:
                await host.install(capsule.path)
            yield {"capsules": {capsule.id: await host.load(capsule.path) for capsule in found}}


async def call(request: Request) -> JSONResponse:
    """Call the hook of a capsule."""
    capsule = request.state.capsules.get(request.path_params["capsule"])
    if capsule is None:
        return JSONResponse({"error": "there is no such capsule"}, 404)
    principal = request.headers.get("x-principal")
    try:
        result = await capsule.trigger(request.path_params["action"], await request.body(), principal=principal)
    except AstridError as error:
        return JSONResponse({"error": error.kind}, STATUSES.get(error.kind, 500))
    return JSONResponse({"action": result.action, "data": result.data}, 422 if result.action == "deny" else 200)


def application() -> Starlette:
    """Make the application; each has a host of its own."""
    return Starlette(routes=[Route("/{capsule}/{action}", call, methods=["POST"])], lifespan=lifespan)
