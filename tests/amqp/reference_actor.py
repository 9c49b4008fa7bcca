"""A real CLU actor: python reference_actor.py NAME PORT. Says "ready" when it is on the exchange."""

import asyncio
import sys

import click
from clu.actor import AMQPActor
from clu.parsers.click import command_parser


@command_parser.command()
@click.argument("N", type=int)
async def lines(command, n):
    """Says N lines."""
    for i in range(n):
        command.info(text=f"line {i}")
    command.finish(text="done")


@command_parser.command()
async def shout(command):
    """Says something to everyone."""
    command.actor.write("i", {"text": "to everyone"}, broadcast=True)
    command.finish()


@command_parser.command()
@click.argument("ACTOR", type=str)
async def relay(command, actor):
    """Pings another actor, as part of this command and by a command of its own."""
    first = await command.send_command(actor, "ping", new_command=False)
    command.info(text=f"part: {first.status.name}")
    second = await command.actor.send_command(actor, "ping")
    command.info(text=f"own: {second.status.name}")
    command.finish()


@command_parser.command()
async def fails(command):
    """Fails."""
    command.fail(error="on purpose")


async def main():
    actor = AMQPActor(name=sys.argv[1], host="127.0.0.1", port=int(sys.argv[2]), version="1.2.3")
    await actor.start()
    print("ready", flush=True)
    await actor.run_forever()


asyncio.run(main())
