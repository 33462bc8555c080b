"""python-socketio in a room, with handlers as its manual writes them: python_room.py TASK sync|async"""

import asyncio
import inspect
import json
import sys

import socketio

task, kind = json.loads(sys.argv[1]), sys.argv[2]
TIMEOUT = task["timeoutMs"] / 1000  # seconds


def report(step, saw):
    print(json.dumps({"step": step, "saw": saw}), flush=True)


async def done(result):
    """The result of a call of either client."""
    return await result if inspect.isawaitable(result) else result


async def main():
    client = (socketio.AsyncClient if kind == "async" else socketio.Client)(reconnection=False)
    loop = asyncio.get_running_loop()
    chat, offers = asyncio.Queue(), asyncio.Queue()

    # Each handler takes one argument, as its event has. Another argument would be a TypeError.
    @client.on("chat-message")
    def on_chat(data):
        loop.call_soon_threadsafe(chat.put_nowait, data)

    @client.event
    def offer(description):
        loop.call_soon_threadsafe(offers.put_nowait, description)

    await done(
        client.connect(
            task["url"] + task["query"],
            socketio_path=task["path"],
            transports=None if task["transport"] == "upgrade" else [task["transport"]],
            auth=task["auth"],
            wait_timeout=TIMEOUT,
        )
    )
    receipt = await done(client.call("chat-message", task["text"], timeout=TIMEOUT))
    report("ack", receipt["ok"])
    report("chat", (await asyncio.wait_for(chat.get(), TIMEOUT))["message"])
    report("offer", await asyncio.wait_for(offers.get(), TIMEOUT))
    receipt = await done(client.call("answer", {"type": "answer", "sdp": task["text"]}, timeout=TIMEOUT))
    report("answer", receipt["delivered"])
    await loop.run_in_executor(None, sys.stdin.read)  # the test ends the session
    await done(client.disconnect())


asyncio.run(main())
