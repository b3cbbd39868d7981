"""One client's connection: its calls one after the other, each forwarded or hit by what its rule says."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

from faults.answers import answer, refusal
from faults.front import Front
from faults.ledger import Entry, Outcome
from faults.rules import Ending, Hang, Reset, ResetAt, SlowBody
from faults.switchboard import Call
from faults.wire import Head, MalformedMessage, RequestBody, body_pieces, has_body

_CLOSE_BY_RST = struct.pack("ii", 1, 0)  # SO_LINGER for 0 s: what is unsent is dropped, the other end sees a reset
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Connection:
    """A client's connection with at most one of its own to the agent: both live and end together.

    So the agent's own ways with connections (idle ends, resets, refusals) reach the client as they are.
    """

    def __init__(self, front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._front, self._reader, self._writer = front, reader, writer
        self._agent: Stream | None = None
        self._idle = True
        self._serving = asyncio.create_task(self._serve())

    def end(self) -> asyncio.Task[None]:
        """Give up, whatever is going on; the task is done when both connections are closed."""
        self._serving.cancel()
        return self._serving

    async def _serve(self) -> None:
        try:
            while await self._one_call() and not self._agent_is_gone():
                self._idle = True
        except MalformedMessage as error:
            self._writer.write(refusal(str(error)))
        except asyncio.IncompleteReadError:
            pass  # one end hung up, which is told to the other by closing
        except OSError:
            self._reset()
        finally:
            for _, writer in [(None, self._writer), *([self._agent] if self._agent else [])]:
                writer.close()

    async def _one_call(self) -> bool:
        """Whether the connection can take another call."""
        head = await Head.read(self._reader)
        self._idle = False
        health = head.start[0] == "GET" and head.path == "/health"
        entry = self._front.entry(head, health=health)
        try:
            body = RequestBody(self._reader, head)
            wanted = self._front.switchboard.reads_bodies
            decision = self._front.switchboard.decide(
                Call(health, head.fields, await self._content(head, body) if wanted else b"")
            )
            entry.hit_by(decision.faults)
            if decision.delay_s:
                await asyncio.sleep(decision.delay_s)
            return await self._handle(decision.rule, head, body, entry)
        except (asyncio.CancelledError, MalformedMessage):
            entry.tell(Outcome.LEFT)
            raise
        except (OSError, asyncio.IncompleteReadError):
            entry.tell(Outcome.UNREACHABLE)
            raise

    async def _content(self, head: Head, body: RequestBody) -> bytes:
        if "expect" in head.fields:
            self._writer.write(_CONTINUE)
        return await body.content()

    async def _handle(self, rule: Ending | None, head: Head, body: RequestBody, entry: Entry) -> bool:
        match rule:
            case Reset(at=ResetAt.REQUEST):
                entry.tell(Outcome.INJECTED)
                self._reset()
                return False
            case None | SlowBody() | Reset():
                return await self._forward(rule, head, body, entry)
            case Hang():
                entry.tell(Outcome.INJECTED)
                await body.drain()  # unread, it would hide that the client has left
                await asyncio.get_running_loop().create_future()
                return False
            case _:
                await body.drain()
                status, pieces = answer(rule)
                entry.tell(Outcome.INJECTED, status)
                for piece in pieces:
                    self._writer.write(piece)
                    await self._writer.drain()
                return head.keeps_alive

    async def _forward(self, rule: SlowBody | Reset | None, head: Head, body: RequestBody, entry: Entry) -> bool:
        """Both ways at once: an agent may answer before it has read everything."""
        upstream = self._front.upstream
        if self._agent is None or self._agent_is_gone():  # it may have tired of waiting while a delay went by
            self._agent = await upstream.connect(self._agent_ended)
        reader, writer = self._agent
        writer.write(head.addressed(upstream.netloc, upstream.prefix))
        upload = asyncio.create_task(_upload(body, writer))
        try:
            reply = await self._reply(reader)
            entry.tell(Outcome.FORWARDED, reply.status)
            keeps = await self._pass_back(rule, reply, reader, head)
            return keeps and head.keeps_alive and upload.done()
        except MalformedMessage as error:
            raise ConnectionError("the agent does not speak HTTP") from error
        finally:
            upload.cancel()
            await asyncio.gather(upload, return_exceptions=True)

    async def _reply(self, reader: asyncio.StreamReader) -> Head:
        """Head of the final answer; interim ones (100, 103) are passed on."""
        while (reply := await Head.read(reader)).status < 200:
            self._writer.write(reply.raw)
        return reply

    async def _pass_back(self, rule: Ending | None, reply: Head, reader: asyncio.StreamReader, head: Head) -> bool:
        """Whether the agent's connection can take another call."""
        if isinstance(rule, Reset) and rule.at is ResetAt.ANSWER:
            self._reset()
            return False
        self._writer.write(reply.raw)
        if not has_body(reply, head.start[0]):
            return reply.keeps_alive
        async for piece in _paced(rule, body_pieces(reader, reply, until_end=True)):
            if isinstance(rule, Reset):
                self._writer.write(piece[: len(piece) // 2])
                self._reset()
                return False
            self._writer.write(piece)
            await self._writer.drain()
        return reply.keeps_alive and (reply.chunked or reply.length is not None)

    def _agent_ended(self) -> None:
        if self._idle:
            self.end()

    def _agent_is_gone(self) -> bool:
        return self._agent is not None and self._agent[1].is_closing()

    def _reset(self) -> None:
        if not self._writer.is_closing():
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_BY_RST)
            self._writer.transport.abort()


async def _upload(body: RequestBody, writer: asyncio.StreamWriter) -> None:
    try:
        await body.pass_on(writer)
    except MalformedMessage:
        writer.transport.abort()  # the agent would wait for the rest


async def _paced(rule: Ending | None, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        if not isinstance(rule, SlowBody):
            yield piece
            continue
        for at in range(0, len(piece), rule.chunk_bytes):
            yield piece[at : at + rule.chunk_bytes]
            await asyncio.sleep(rule.pause_s)
