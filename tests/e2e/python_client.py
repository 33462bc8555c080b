"""A stock python-socketio client: sends forty offers at once, says one thing, waits for an answer, prints what it saw as JSON.

Usage: python_client.py URL SOCKETIO_PATH [TRANSPORT ...]
"""

import json
import queue
import sys

import socketio

PATIENCE = 30  # seconds

url, path, *transports = sys.argv[1:]
heard = queue.Queue()
client = socketio.Client(reconnection=False)
client.on("chat-message", lambda message, *_: heard.put(message))
client.connect(url, socketio_path=path, transports=transports or None, wait_timeout=PATIENCE)
transport, sid = client.transport(), client.get_sid()
for number in range(40):  # over polling, those that wait are one request
    client.emit("offer", {"type": "offer", "sdp": f"v={number} " + "x" * 16_000})
ack = client.call("chat-message", "hello from Python", timeout=PATIENCE)
own, answer = heard.get(timeout=PATIENCE), heard.get(timeout=PATIENCE)
client.disconnect()
print(json.dumps({"transport": transport, "sid": sid, "ack": ack, "own": own, "answer": answer}))
