"""A client for a responder of the lab: PORT NETID DHPARAM ACTION MESSAGE [CLOCK_OFFSET]; prints the answer."""

import base64
import queue
import sys
import time

import paho.mqtt.client as mqtt
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PORT, NETID, DHPARAM, ACTION, MESSAGE = sys.argv[1:6]
OFFSET = int(sys.argv[6]) if len(sys.argv) > 6 else 0
TIMEOUT = 28
with open(DHPARAM, "rb") as file:
    key = serialization.load_pem_parameters(file.read()).generate_private_key()
messages: queue.Queue = queue.Queue()
ready: queue.Queue = queue.Queue()
client = mqtt.Client()
client.on_message = lambda _client, _userdata, message: messages.put(message)
client.on_subscribe = lambda *_: ready.put(True)
client.connect("127.0.0.1", int(PORT))
client.subscribe([(f"{NETID}/{service}/response", 1) for service in ("key-exchange", ACTION)])
client.loop_start()
ready.get(timeout=TIMEOUT)
form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
client.publish(f"{NETID}/key-exchange/request", key.public_key().public_bytes(*form), qos=1)
cipher = None
deadline = time.monotonic() + TIMEOUT
while True:
    try:
        message = messages.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        sys.exit("no answer")
    if message.topic.endswith("/key-exchange/response"):
        secret = key.exchange(serialization.load_pem_public_key(message.payload))
        derived = HKDF(hashes.SHA256(), length=32, salt=b"\x00", info=b"\x00").derive(secret)
        cipher = Fernet(base64.urlsafe_b64encode(derived))
        token = cipher.encrypt_at_time(MESSAGE.encode(), int(time.time()) + OFFSET)
        client.publish(f"{NETID}/{ACTION}/request", token, qos=1)
        continue
    try:
        print(cipher.decrypt(message.payload, ttl=60).decode())
        break
    except (InvalidToken, AttributeError):
        # Another client's answer.
        continue
client.loop_stop()
