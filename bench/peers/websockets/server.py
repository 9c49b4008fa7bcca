"""The benchmark's hub on asyncio and the websockets package.  usage: server.py PORT

Text that starts with `b` goes to every client, any other to its sender, both in the wrapper every
measured server uses: {"topic":"b","data":"<text>"}. Encoded once for each message.
"""

import asyncio
import json
import sys

from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed

clients = set()


def wrap(topic, text):
    return json.dumps({"topic": topic, "data": text}, separators=(",", ":"), ensure_ascii=False)


async def handle(client):
    clients.add(client)
    try:
        async for text in client:
            if text[:1] == "b":
                broadcast(clients, wrap("b", text))
            else:
                await client.send(wrap("e", text))
    except ConnectionClosed:
        pass
    finally:
        clients.discard(client)


async def main(port):
    async with serve(handle, "127.0.0.1", port, compression=None, backlog=4096):
        print("listening", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        sys.exit("usage: server.py PORT")
    asyncio.run(main(int(sys.argv[1])))
