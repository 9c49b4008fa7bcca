"""The other side of the exchange, for tests: publishes any message, listens, and plays CLU actors.

Everything is synchronous here; the AMQP library runs its loop on a thread of its own.
"""

import asyncio
import json
import queue
import struct
import threading
from concurrent.futures import TimeoutError as FutureTimeout

import aiormq
from pamqp import commands as spec

EXCHANGE = "sdss_exchange"
DEADLINE_S = 20.0


class RawProperties(spec.Basic.Properties):
    """Message properties whose encoded timestamp may be any 64-bit number."""

    raw_timestamp = None

    def marshal(self):
        data = super().marshal()
        if self.raw_timestamp is None:
            return data
        # The timestamp was encoded as 0 and is the last field that is set.
        assert data.endswith(struct.pack(">Q", 0))
        return data[:-8] + struct.pack(">Q", self.raw_timestamp)


def headers(**changes):
    """Headers of a broadcast reply, with changes."""
    return {"command_id": None, "commander_id": None, "internal": False, "message_code": "i",
            "sender": "raw", **changes}


class Exchange:
    """One connection to a broker."""

    def __init__(self, port):
        self.url = f"amqp://guest:guest@127.0.0.1:{port}/"
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.connection = self.run(aiormq.connect(self.url))
        self.channel = self.run(self.connection.channel())
        self.run(self.channel.exchange_declare(EXCHANGE, exchange_type="topic", auto_delete=True))

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()

    def run(self, awaitable, timeout=DEADLINE_S):
        async def whole():
            return await awaitable

        return asyncio.run_coroutine_threadsafe(whole(), self.loop).result(timeout)

    def close(self):
        try:
            self.run(self.connection.close(), 5)
        except (Exception, FutureTimeout):
            pass  # the broker may be gone
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    async def send(self, body, head, key, exchange=EXCHANGE, mandatory=False, timestamp=None, **more):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        more.setdefault("content_type", "text/json")
        properties = RawProperties(headers=head, **more)
        if timestamp is not None:
            import datetime

            properties.timestamp = datetime.datetime.fromtimestamp(0, tz=datetime.timezone.utc)
            properties.raw_timestamp = timestamp
        return await self.channel.basic_publish(
            body, exchange=exchange, routing_key=key, properties=properties, mandatory=mandatory)

    def reply(self, body, head=None, key="reply.broadcast", **more):
        """Publishes a reply; returns when the broker has confirmed it."""
        return self.run(self.send(body, headers() if head is None else head, key, **more))

    def replies(self, bodies, head=None, key="reply.broadcast"):
        """Publishes many, without waiting for each."""

        async def all_of_them():
            await asyncio.gather(*[self.send(b, headers() if head is None else head, key) for b in bodies])

        self.run(all_of_them(), 120)

    def command(self, consumer, command_string, command_id="c1", commander="tester", **more):
        head = {"command_id": command_id, "commander_id": f"{commander}.{consumer}",
                "internal": False, "write_to_log": True, **more.pop("head", {})}
        body = more.pop("body", {"command_string": command_string})
        self.run(self.send(body, head, f"command.{consumer}", correlation_id=str(command_id), **more))

    def listen(self, *keys, exchange=EXCHANGE, queue_name="", ack=True):
        """A tap: every message whose key matches, as (routing_key, properties, body)."""
        got = queue.Queue()

        async def start():
            channel = await self.connection.channel()
            declared = await channel.queue_declare(queue_name, exclusive=True)
            for key in keys:
                await channel.queue_bind(declared.queue, exchange, key)

            async def take(message):
                got.put((message.delivery.routing_key, message.header.properties, message.body))
                if ack:
                    await channel.basic_ack(message.delivery.delivery_tag)

            await channel.basic_consume(declared.queue, take)

        self.run(start())
        return got

    def declare_queue(self, name, **options):
        self.run(self.channel.queue_declare(name, **options))


class FakeActor:
    """A CLU actor in a few lines: queues as CLU declares them, and an answer for each command.

    answer(command_string, command_id) -> [(code, body), …]; None: says nothing.
    """

    def __init__(self, exchange, name, answer=None):
        self.exchange, self.name = exchange, name
        self.commands = queue.Queue()
        self.answer = answer or (lambda text, command_id: [(">", {}), (":", {"text": "Pong."})])
        exchange.run(self._start())

    async def _start(self):
        self.channel = await self.exchange.connection.channel()
        replies = await self.channel.queue_declare(f"{self.name}_replies", exclusive=True)
        commands = await self.channel.queue_declare(f"{self.name}_commands", exclusive=True)
        await self.channel.queue_bind(commands.queue, EXCHANGE, f"command.{self.name}.#")

        async def drop(message):
            await self.channel.basic_ack(message.delivery.delivery_tag)

        await self.channel.basic_consume(replies.queue, drop)
        await self.channel.basic_consume(commands.queue, self._on_command)

    async def _on_command(self, message):
        await self.channel.basic_ack(message.delivery.delivery_tag)
        head = message.header.properties.headers
        body = json.loads(message.body)
        self.commands.put((message.delivery.routing_key, message.header.properties, message.body))
        for code, said in self.answer(body.get("command_string"), head.get("command_id")) or []:
            await self.say(head, code, said)

    async def say(self, head, code, body):
        await self.exchange.send(
            body,
            {"command_id": head.get("command_id"), "commander_id": head.get("commander_id"),
             "internal": code == ">", "message_code": code, "sender": self.name},
            f"reply.{head.get('commander_id')}",
            correlation_id=str(head.get("command_id")), timestamp=1700000000)

    def leave(self):
        """Its queues go, as when the program ends."""
        self.exchange.run(self.channel.queue_delete(f"{self.name}_commands"))
        self.exchange.run(self.channel.queue_delete(f"{self.name}_replies"))
