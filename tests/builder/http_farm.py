"""A farm's HTTP side as docs/reference/http-api.md describes it, over real connections, with faults on demand."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from executor.yard import FolderBlobs
from wheelyard.bus.memory import MemoryBuilderBus, MemoryBus
from wheelyard.bus_ports import Delivery, LogPiece
from wheelyard.protocol.messages import VERSION

CODE, BUILDER = "one-time-code", "builder-token"
Answer = Callable[[Request], Awaitable[Response]]


@dataclass
class HttpFarm:
    """What the farm has, and what it does to those who ask."""

    bus: MemoryBus
    blobs: FolderBlobs
    scratch: Path
    codes: set[str] = field(default_factory=lambda: {CODE})
    revoked: bool = False
    speaks: int = VERSION
    jobs: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Job tokens, and the key and fence that they are for."""
    flips: int = 0
    """So many uploads arrive with a bit flipped."""
    cuts: int = 0
    """So many downloads are cut in the middle."""
    refuses: int = 0
    """So many requests of any kind are answered 503."""
    hold: asyncio.Event | None = None
    """Uploads wait for it after their first bytes."""
    uploading: asyncio.Event = field(default_factory=asyncio.Event)
    stored: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def app(self) -> Starlette:
        def guarded(answer: Answer) -> Answer:
            async def guard(request: Request) -> Response:
                self.seen.append((request.method, request.url.path))
                if self.refuses > 0:
                    self.refuses -= 1
                    return refusal(503, "not now")
                return await answer(request)

            return guard

        routes = [
            ("/api/builders/enrol", "POST", self.enrol),
            ("/api/builders/me", "GET", self.me),
            ("/api/blobs/{digest}", "GET", self.give),
            ("/api/blobs/{digest}", "PUT", self.take),
            ("/api/bus/orders", "GET", self.orders),
            ("/api/bus/orders/{id}", "POST", self.order),
            ("/api/bus/words", "POST", self.words),
            ("/api/bus/presence", "POST", self.presence),
            ("/api/bus/logs", "POST", self.logs),
        ]
        return Starlette(
            routes=[Route(path, guarded(work), methods=[method]) for path, method, work in routes]
        )

    async def enrol(self, request: Request) -> Response:
        if bearer(request) not in self.codes:
            return refusal(401, "the code was used")
        body = await request.json()
        if body["name"] == "taken":
            return refusal(409, "there is a builder 'taken'")
        self.codes.discard(bearer(request))
        self.revoked = False
        return JSONResponse(self._described(body["name"]) | {"token": BUILDER}, 201)

    async def me(self, request: Request) -> Response:
        if request.query_params["version"] != str(self.speaks):
            return refusal(422, f"this farm speaks version {self.speaks} of the protocol")
        return self._denied(request) or JSONResponse(self._described("arm-1"))

    def _described(self, name: str) -> dict[str, object]:
        return {
            "name": name or "arm-1",
            "tier": "trusted",
            "presence_seconds": 0.1,
            "bus": {"kind": "http"},
        }

    async def give(self, request: Request) -> Response:
        if denied := self._denied(request):
            return denied
        path = self.blobs.path(request.path_params["digest"])
        if path is None:
            return refusal(404, "there is no such blob")
        if request.method == "GET" and "range" in request.headers:
            self.ranges.append(request.headers["range"])
        if request.method == "GET" and self.cuts > 0:
            self.cuts -= 1
            return CutResponse(path)
        return FileResponse(path)

    async def take(self, request: Request) -> Response:
        query = request.query_params
        if self.jobs.get(bearer(request)) != (query["key"], query["fence"]):
            return refusal(409, "the fence is superseded")
        path, size = self.scratch / "incoming", 0
        digest = hashlib.sha256()
        with path.open("wb") as file:
            async for piece in request.stream():
                if piece and self.flips > 0 and not size:
                    self.flips -= 1
                    piece = bytes([piece[0] ^ 1]) + piece[1:]  # noqa: PLW2901 - the fault
                digest.update(piece)
                size += len(piece)
                file.write(piece)
                self.uploading.set()
                if self.hold is not None:
                    await self.hold.wait()
        name = f"sha256:{digest.hexdigest()}"
        announced = base64.b64encode(bytes.fromhex(request.path_params["digest"][7:])).decode()
        assert request.headers["content-digest"] == f"sha-256=:{announced}:"
        if name != request.path_params["digest"]:
            return refusal(422, "other bytes than were announced")
        path.rename(self.blobs._folder / name[7:])
        self.stored.append(name)
        return Response(status_code=201)

    async def orders(self, request: Request) -> Response:
        if denied := self._denied(request):
            return denied
        reader = self._builder().orders()
        try:
            async with asyncio.timeout(float(request.query_params["wait"])):
                delivery = await anext(reader)
        except TimeoutError:
            return JSONResponse({"orders": []})
        finally:
            await reader.aclose()  # type: ignore[attr-defined]
        name = str(len(self.deliveries))
        self.deliveries[name] = delivery
        content = base64.b64encode(delivery.content).decode()
        return JSONResponse({"orders": [{"id": name, "tries": 1, "content": content}]})

    async def order(self, request: Request) -> Response:
        delivery = self.deliveries.get(request.path_params["id"])
        if delivery is None:
            return refusal(404, "there is no such order")
        body = await request.json()
        if body["state"] == "again":
            await delivery.again(seconds=body["seconds"])
        else:
            await {"working": delivery.working, "done": delivery.done}[body["state"]]()
        return Response(status_code=204)

    async def words(self, request: Request) -> Response:
        if denied := self._denied(request):
            return denied
        await self._builder().say(await request.body(), name=request.query_params["name"])
        return Response(status_code=204)

    async def presence(self, request: Request) -> Response:
        if denied := self._denied(request):
            return denied
        await self._builder().announce(await request.body())
        return Response(status_code=204)

    async def logs(self, request: Request) -> Response:
        query = request.query_params
        piece = LogPiece(
            attempt=query["attempt"],
            start=int(query["start"]),
            content=await request.body(),
            end=query["end"] == "1",
        )
        await self._builder().write_log(piece)
        return Response(status_code=204)

    def _builder(self) -> MemoryBuilderBus:
        return self.bus.builder("arm-1")

    def _denied(self, request: Request) -> Response | None:
        if self.revoked or bearer(request) != BUILDER:
            return refusal(401, "the token was revoked")
        return None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve; a second time on the same port, as a farm that was away and is back."""
        config = uvicorn.Config(
            self.app(),
            host="127.0.0.1",
            port=self.port,
            log_level="critical",
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        server = Server(config)
        task = asyncio.create_task(server.serve())
        await server.ready.wait()
        self.port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.should_exit = server.force_exit = True
            await task


class Server(uvicorn.Server):
    """Says when it listens, and leaves signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        self.ready.set()

    def install_signal_handlers(self) -> None:
        return


class CutResponse(Response):
    """Half of a file under the length of the whole, then silence and an end."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def __call__(
        self, scope: object, receive: object, send: Callable[..., Awaitable[None]]
    ) -> None:
        content = self._path.read_bytes()
        length = str(len(content)).encode()
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
        )
        half = content[: len(content) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def refusal(status: int, message: str) -> Response:
    return Response(
        json.dumps({"error": message, "hint": "Do otherwise."}),
        status,
        media_type="application/json",
    )
