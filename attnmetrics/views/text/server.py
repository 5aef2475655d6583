"""A run's atlas with its model at hand: a server for the person at this machine.

`/` is the atlas. `/api/model` answers once the model is loaded, `/api/view` with what a view of a text draws, others
with its arrays. It listens on the loopback interface only, answers only requests that name it as such (a page elsewhere
could else lead its visitor's browser here under a name of its own), stores nothing and logs no text.
"""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from attnmetrics.assets import MODELS
from attnmetrics.config import build_config
from attnmetrics.errors import AttnmetricsError, ConfigError, ModelError
from attnmetrics.views.text.reader import Reader

if TYPE_CHECKING:
    import xarray as xr

    from attnmetrics.model.load import Model

Answer = Callable[[Request], Awaitable[Response]]

HOST: Final = "127.0.0.1"
LONGEST_REQUEST: Final = 1 << 18
"""Bytes of a request's head: a text of any script within the limit above."""
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def listen(port: int) -> socket.socket:
    """A socket that only this machine reaches.

    Args:
        port: 0 takes a free one.

    Raises:
        ConfigError: the port is taken or not to be had.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise ConfigError(
            f"expected to listen on {HOST}, port {port}, found: {reason}; give another --port, or 0 for a free one"
        ) from None


def run(app: Starlette, listener: socket.socket) -> None:
    """Answer until a signal ends the program."""
    config = uvicorn.Config(
        app, http="h11", loop="asyncio", ws="none", lifespan="off", log_config=None, access_log=False,
        server_header=False, proxy_headers=False, h11_max_incomplete_event_size=LONGEST_REQUEST,
    )  # fmt: skip
    uvicorn.Server(config).run([listener])


def model_of(
    facts: Mapping[str, Any], name: str | None = None, *, trust_remote_code: bool = False, allow_pickle: bool = False
) -> "Model":
    """The model that a run measured, in float32, with the run's null pieces and layers.

    A run's folder may come from someone else: whether its model may run code is asked here, not there.

    Args:
        facts: what run.json says.
        name: another place of the model, or another model of the same size.
        trust_remote_code: run the code that comes with the weights.
        allow_pickle: load weights that are not safetensors.

    Raises:
        ModelError: it is not known, cannot be loaded, or has other layers and heads than the run.
    """
    from attnmetrics.model.load import load_model

    if "model" not in facts:
        raise ModelError("expected a run.json that names the run's model, found none; copy it into the run's folder")
    config, measured = build_config(facts["configuration"]), facts["model"]
    try:
        found = load_model(
            name or _place_of(config.model, str(measured["name"])),
            revision=None if name else measured["revision"] or config.revision,
            device=config.device,
            null_tokens=config.null_tokens,
            layers=config.layers,
            stack=config.stack,
            trust_remote_code=trust_remote_code,
            allow_pickle=allow_pickle,
        )
    except ModelError as error:
        needed = {"trust-remote-code": config.trust_remote_code, "allow-pickle": config.allow_pickle}
        flags = "".join(f", --{flag} if you trust it as the run did" for flag, was in needed.items() if was)
        raise ModelError(f"{error}. Give its place as --model, if it is elsewhere{flags}") from None
    expected = measured["layers"], measured["heads"]
    if expected != (list(found.layers), found.heads):
        raise ModelError(
            f"expected the model of the run, with {expected[1]} heads in layers {expected[0]}, found {found.name} with "
            f"{found.heads} heads in layers {list(found.layers)}; give the --model of the run"
        )
    return found


def _place_of(given: str, measured: str) -> str:
    """Where a run's model is: the folder that it was read from, or what was given of it, where that is elsewhere."""
    return measured if Path(measured).is_dir() else str(MODELS.get(given, given))


def application(
    page: str, load: "Callable[[], Model]", facts: Mapping[str, Any], data: "xr.Dataset | None" = None,
    texts: Sequence[str] = (),
) -> Starlette:  # fmt: skip
    """The server's answers.

    Args:
        page: the atlas.
        load: gives the model; called when a person first wants it, and again after it failed.
        facts: what run.json says.
        data: the run's results, for what is special in a text.
        texts: some of the run's, likewise.
    """
    thread = ThreadPoolExecutor(1, "model")  # one text at a time
    reader = cache(lambda: Reader(load(), data, texts))

    async def in_turn(work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(thread, work)

    async def atlas(request: Request) -> Response:
        return HTMLResponse(page)

    def told(answer: Callable[[Reader, Mapping[str, str]], Any]) -> Answer:
        async def tell(request: Request) -> Response:
            content = await in_turn(lambda: json.dumps(answer(reader(), request.query_params)))
            return Response(content, media_type="application/json")

        return tell

    def sent(answer: Callable[[Reader, Mapping[str, str]], bytes]) -> Answer:
        async def send(request: Request) -> Response:
            content = await in_turn(lambda: answer(reader(), request.query_params))
            return Response(content, media_type="application/octet-stream")

        return send

    answers = {
        "/": atlas,
        "/api/model": told(lambda one, _: _describe(one.model, facts)),
        "/api/view": told(Reader.view),
        "/api/layer": sent(Reader.layer),
        "/api/neurons": sent(Reader.neurons),
        "/api/token": sent(Reader.token),
        "/api/special": told(Reader.special),
    }
    return Starlette(
        routes=[Route(path, answer) for path, answer in answers.items()],
        middleware=[
            Middleware(_Guard),
            Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"], www_redirect=False),
        ],
        exception_handlers={AttnmetricsError: _refuse, MemoryError: _exhausted},
    )


def _describe(model: "Model", facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"causal": model.causal, "measured": model.fingerprint == facts["model"]["fingerprint"]}


async def _refuse(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _exhausted(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "the memory does not suffice; give a shorter text"}, 400)


class _Guard:
    """Gives every answer its headers, and no answer to pages of other sites, which could else keep the model busy."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message["headers"], *own]
            await send(message)

        site = Headers(scope=scope).get("sec-fetch-site", "none")
        if scope["path"] != "/" and site not in ("same-origin", "none"):
            await JSONResponse({"error": "only the page of this server may ask"}, 403)(scope, receive, guarded)
        else:
            await self._app(scope, receive, guarded)
