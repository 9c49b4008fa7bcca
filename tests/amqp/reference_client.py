"""CLU's own client: python reference_client.py PORT ACTOR COMMAND… Prints one JSON line for each command:
its status and replies; then the model it has followed."""

import asyncio
import json
import sys

from clu.client import AMQPClient


async def main():
    port, actor, *commands = sys.argv[1:]
    client = AMQPClient(name="reference_client", host="127.0.0.1", port=int(port), models=[actor])
    await client.start()
    for text in commands:
        command = await asyncio.wait_for(await client.send_command(actor, text, await_command=False), 10)
        print(json.dumps({"command": text, "status": command.status.name,
                          "replies": [[str(r.message_code), r.body if hasattr(r, "body") else r.message]
                                      for r in command.replies]}), flush=True)
    model = client.models[actor]
    print(json.dumps({"model": {key: value.value for key, value in model.items() if value.value is not None}}))
    await client.stop()


asyncio.run(main())
