"""A responder for secure_mqtt_client: PORT NETID DHPARAM [CLOCK_OFFSET]."""

import base64
import sys
import time

import paho.mqtt.client as mqtt
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PORT, NETID, DHPARAM = sys.argv[1:4]
OFFSET = int(sys.argv[4]) if len(sys.argv) > 4 else 0
ACTIONS = {"uppercase": str.upper, "lowercase": str.lower, "title-case": str.title, "reverse": lambda text: text[::-1]}
ciphers: list[Fernet] = []
with open(DHPARAM, "rb") as file:
    parameters = serialization.load_pem_parameters(file.read())


def on_message(client, _userdata, message):
    """A new key for each client, as the lab has it; the cipher that opens a request is the one to answer with."""
    service = message.topic.split("/")[-2]
    if service == "key-exchange":
        key = parameters.generate_private_key()
        secret = key.exchange(serialization.load_pem_public_key(message.payload))
        derived = HKDF(hashes.SHA256(), length=32, salt=b"\x00", info=b"\x00").derive(secret)
        ciphers.append(Fernet(base64.urlsafe_b64encode(derived)))
        form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        client.publish(f"{NETID}/key-exchange/response", key.public_key().public_bytes(*form), qos=1)
        return
    for cipher in ciphers:
        try:
            text = cipher.decrypt(message.payload, ttl=60).decode()
            answer = cipher.encrypt_at_time(ACTIONS[service](text).encode(), int(time.time()) + OFFSET)
            client.publish(f"{NETID}/{service}/response", answer, qos=1)
        except InvalidToken:
            continue


client = mqtt.Client()
client.on_message = on_message
client.on_subscribe = lambda *_: print("ready", flush=True)
client.connect("127.0.0.1", int(PORT))
client.subscribe(f"{NETID}/+/request", qos=1)
client.loop_forever()
