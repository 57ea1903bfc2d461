"""A chat bridge: people on a chat platform talk with a capsule, and the capsule writes to them.

The platform is lines of text over TCP: the first line says who it is, each further one is a question to the concierge,
and ``/tell WHO TEXT`` has the concierge write to somebody. With a port as its argument it serves; without one it plays
a conversation with itself.
"""

import asyncio
import json
import pathlib
import sys
import tempfile

from astrid_host import AsyncCapsule, AsyncHost, Delivery, UplinkEvent

CONCIERGE = pathlib.Path(__file__).parent.parent / "capsules" / "concierge"
DESK = "desk"


class Bridge:
    """Who is connected, by name."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.people: dict[str, asyncio.StreamWriter] = {}

    async def on_uplink(self, event: UplinkEvent) -> Delivery:
        """Take what the capsule writes to somebody outside."""
        if event.event != "message":
            return Delivery.DELIVERED
        if event.user not in self.people:
            return Delivery.NO_SESSION
        await self.write(event.user, event.content)
        return Delivery.DELIVERED

    async def write(self, who: str, text: str) -> None:
        """Send somebody a line, if they are still there."""
        if writer := self.people.get(who):
            writer.write(f"{text}\n".encode())
            await writer.drain()

    async def pass_answers_on(self, host: AsyncHost) -> None:
        """Bring what the capsule answers to who asked."""
        async for message in host.subscribe("concierge.v1.answer.*"):
            await self.write(message.topic.rsplit(".", 1)[1], message.json()["answer"])

    async def talk(
        self, host: AsyncHost, desk: AsyncCapsule, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one person. A real platform would say for sure who it is."""
        who = (await reader.readline()).decode(errors="replace").strip()
        if who.isascii() and who.isalnum() and who not in self.people:
            principal = await known(host, who)
            self.people[who] = writer
            async for line in reader:
                text = line.decode(errors="replace").strip()
                if text.startswith("/tell "):
                    _, user, said = [*text.split(" ", 2), ""][:3]
                    told = await desk.trigger("notify", {"user": user, "text": said}, principal=DESK)
                    await self.write(who, f"[{told.data}]")
                else:
                    await host.publish(f"concierge.v1.ask.{who}", json.dumps(text), principal=principal)
            del self.people[who]
        writer.close()


async def known(host: AsyncHost, who: str) -> str:
    """Find the principal behind an account, or make one."""
    for user in await host.users():
        if any(link.platform_user_id == who for link in await host.links(user.id)):
            return user.principal
    user = await host.create_user(who)
    await host.link_account(user.id, "demo", who, method="bridge")
    return user.principal


async def play(port: int) -> None:
    """Be somebody on the platform for a while."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"ann\n")
    for said, lines in (("Is there tea?", 1), ("/tell ann Your tea is ready.", 2), ("/tell bob Come too.", 1)):
        print(f"ann: {said}")
        writer.write(f"{said}\n".encode())
        for _ in range(lines):
            print(f"  -> {(await reader.readline()).decode().strip()}")
    writer.close()


async def main() -> None:
    """Open a host on a fresh home and serve, or play."""
    bridge = Bridge()
    with tempfile.TemporaryDirectory() as home:
        async with await AsyncHost.open(home, on_elicit=lambda _: None, on_uplink=bridge.on_uplink) as host:
            await host.install(CONCIERGE, principal=DESK)
            # Its one run loop answers everybody, each for themselves.
            desk = await host.load(CONCIERGE, principal=DESK, shared=True)
            await desk.wait_ready(timeout=10)
            answers = asyncio.create_task(bridge.pass_answers_on(host))
            port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
            server = await asyncio.start_server(
                lambda reader, writer: bridge.talk(host, desk, reader, writer), "127.0.0.1", port
            )
            try:
                if port:
                    await server.serve_forever()
                await play(server.sockets[0].getsockname()[1])
            finally:
                server.close()
                answers.cancel()


if __name__ == "__main__":
    asyncio.run(main())
