"""python-socketio, its blocking client or its asyncio client: python_peer.py TASK sync|async|old

`old` is the blocking client of version 4, which speaks revision 3 of Engine.IO and has no `auth`.

Both clients take the same steps. The blocking client receives on threads of its own, so it does no harm that its calls
block the thread of the event loop.
"""

import asyncio
import inspect
import json
import sys

import socketio

task, kind = json.loads(sys.argv[1]), sys.argv[2]
TIMEOUT = task["timeoutMs"] / 1000  # seconds


def revive(value):
    """{"hex": text} becomes bytes, at any depth; `told` does the reverse."""
    if isinstance(value, dict) and "hex" in value:
        return bytes.fromhex(value["hex"])
    return change(value, revive)


def told(value):
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return change(value, told)


def change(value, each):
    if isinstance(value, (list, tuple)):
        return [each(inner) for inner in value]
    if isinstance(value, dict):
        return {key: each(inner) for key, inner in value.items()}
    return value


def report(step, saw):
    print(json.dumps({"step": step, "saw": told(saw)}), flush=True)


async def done(result):
    """The result of a call of either client."""
    return await result if inspect.isawaitable(result) else result


async def main():
    client = (socketio.AsyncClient if kind == "async" else socketio.Client)(reconnection=False)
    loop = asyncio.get_running_loop()
    queues = {}

    def hear(event, namespace="/"):
        """Puts the arguments of each event with this name into a queue. Handlers may run on another thread."""
        queue = queues[event, namespace] = asyncio.Queue()
        client.on(event, lambda *args: loop.call_soon_threadsafe(queue.put_nowait, args), namespace=namespace)

    async def heard(event, namespace="/"):
        return await asyncio.wait_for(queues[event, namespace].get(), TIMEOUT)

    for event in ("auth", "message-back", "answer", "disconnect"):
        hear(event)
    hear("auth", "/custom")
    client.on("question", lambda *args: args)  # the server gets the handler's result as the ack

    async def echo(*args):
        await done(client.emit("message", args))
        return await heard("message-back")

    async def ack(*args):
        acked = await done(client.call("message-with-ack", args, timeout=TIMEOUT))
        return acked if isinstance(acked, tuple) else [acked]  # a single argument is not in a tuple

    async def ask(*args):
        await done(client.emit("ask", args))
        return await heard("answer")

    await done(
        client.connect(
            task["url"],
            socketio_path=task["path"],
            transports=None if task["transport"] == "upgrade" else [task["transport"]],
            namespaces=["/", "/custom"],
            **({} if kind == "old" else {"auth": task["auth"], "wait_timeout": TIMEOUT}),
        )
    )
    args, binary, attachments = (revive(task[key]) for key in ("args", "bytes", "attachments"))
    report("connect", await heard("auth"))
    report("event", await echo(*args))
    report("ack", await ack(*args))
    report("server's ack", await ask(*args))
    report("binary event", await echo(binary))
    report("binary ack", await ack(binary))
    report("binary server's ack", await ask(binary))
    report("attachments", await echo(*attachments))
    report("namespace", await heard("auth", "/custom"))
    await done(client.disconnect())
    # Version 4 does not report a disconnect that the client itself causes.
    report("disconnect", None if kind == "old" else (await heard("disconnect"))[0])
    await loop.run_in_executor(None, sys.stdin.read)  # the session must not end only because the process ends


asyncio.run(main())
