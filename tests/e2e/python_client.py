"""A stock python-socketio client: sends forty offers at once, sends one message, waits for an answer, prints what it received as JSON.

Usage: python_client.py URL SOCKETIO_PATH [TRANSPORT ...]
"""

import json
import queue
import sys

import socketio

TIMEOUT = 30  # seconds

url, path, *transports = sys.argv[1:]
heard = queue.Queue()
client = socketio.Client(reconnection=False)
client.on("chat-message", lambda message, *_: heard.put(message))
client.connect(url, socketio_path=path, transports=transports or None, wait_timeout=TIMEOUT)
transport, sid = client.transport(), client.get_sid()
for number in range(40):  # over polling, the offers that wait are sent in one request
    client.emit("offer", {"type": "offer", "sdp": f"v={number} " + "x" * 16_000})
ack = client.call("chat-message", "hello from Python", timeout=TIMEOUT)
own, answer = heard.get(timeout=TIMEOUT), heard.get(timeout=TIMEOUT)
client.disconnect()
print(json.dumps({"transport": transport, "sid": sid, "ack": ack, "own": own, "answer": answer}))
