"""Agrees on a session key, then publishes signed and MACed messages.

`link` does it over a `protocol notary-link` socket, `mqtt` over MQTT topics
with Eclipse paho: attached at QoS 0, 1 and 2 and, with MQTT 5, detached at
QoS 0, 1 and 2. JSON lines on stdout; exit codes as in paho_client.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

from cryptography.exceptions import InvalidSignature
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from key_exchange import (
    REQUEST_TOPIC,
    Exchange,
    Link,
    Session,
    add_hop_mac,
    response_topic,
    sign_detached,
    start,
)
from notary_envelope import load_private_key, load_public_key, sign_publish
from paho_client import (
    Refused,
    connect,
    is_refusal,
    now_ms,
    print_line,
    publish,
    subscribe,
)

QOS = (0, 1, 2)


def main() -> int:
    """Run one of both transports."""
    args = build_parser().parse_args()
    key = load_private_key(args.key.read_bytes())
    broker = load_public_key(args.broker_key.read_bytes())
    exchange = start(key, args.client_id, args.seq, now_ms())
    try:
        return args.run(args, key, broker, exchange)
    except (Refused, InvalidSignature, ConnectionError) as error:
        print(f"exchange_client: {error!r}", file=sys.stderr)
        return 1


def run_link(args, key, broker, exchange: Exchange) -> int:
    """Publish `--count` messages on a link."""
    link = Link(args.host, args.port)
    print_session(link.exchange(exchange, broker), args.seq)
    codes = []
    for i in range(1, args.count + 1):
        payload = f"{args.payload} {i}".encode()
        sign1 = sign_publish(key, args.topic, payload, args.seq + i, now_ms())
        code, index = link.publish(args.topic, sign1)
        codes.append(code)
        print_line({"reasonCode": code, "index": index})
    link.close()
    return 1 if any(codes) else 0


def run_mqtt(args, key, broker, exchange: Exchange) -> int:
    """Publish one message for each carrier and QoS."""
    client = connect(args)
    subscribe(client, response_topic(args.client_id), 0, args.timeout)
    request = SimpleNamespace(
        topic=REQUEST_TOPIC, qos=1, retain=False, timeout=args.timeout
    )
    if is_refusal(publish(client, request, exchange.request)):
        raise Refused("the exchange was refused")
    client.run_until(lambda: bool(client.messages), args.timeout, "an answer")
    session = exchange.finish(bytes(client.messages[0].payload), broker)
    print_session(session, args.seq)
    carriers = ("attached", "detached") if client.is_v5 else ("attached",)
    seq = args.seq
    results = []
    for carrier in carriers:
        for qos in QOS:
            seq += 1
            payload = f"{args.payload} {carrier} {qos}".encode()
            message = SimpleNamespace(
                topic=args.topic, qos=qos, retain=False, timeout=args.timeout
            )
            properties = None
            if carrier == "attached":
                sign1 = sign_publish(key, args.topic, payload, seq, now_ms())
                payload = add_hop_mac(sign1, session, b"")
            else:
                properties = Properties(PacketTypes.PUBLISH)
                value = sign_detached(
                    key, args.topic, payload, seq, now_ms(), session
                )
                properties.UserProperty = ("notarymq", value)
            result = publish(client, message, payload, properties)
            results.append(result)
            print_line({"carrier": carrier, "qos": qos, "seq": seq, **result})
    client.disconnect()
    return 1 if any(map(is_refusal, results)) else 0


def print_session(session: Session, seq: int) -> None:
    """Print what may be seen of a session."""
    print_line(
        {
            "sid": session.sid.hex(),
            "highestSeq": session.highest_seq,
            "seq": seq,
        }
    )


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="transport", required=True)
    for name, run in (("link", run_link), ("mqtt", run_mqtt)):
        command = commands.add_parser(name, help=run.__doc__)
        command.set_defaults(run=run, username=None, password=None)
        command.add_argument("--host", default="127.0.0.1")
        command.add_argument("--port", type=int, required=True)
        command.add_argument("--client-id", required=True)
        command.add_argument("--key", type=Path, required=True)
        command.add_argument("--broker-key", type=Path, required=True)
        command.add_argument("--seq", type=int, default=1)
        command.add_argument("--topic", required=True)
        command.add_argument("--payload", default="21.5")
        command.add_argument("--timeout", type=float, default=10)
        if name == "mqtt":
            command.add_argument(
                "--protocol", type=int, choices=(3, 4, 5), default=5
            )
        else:
            command.add_argument("--count", type=int, default=3)
    return parser


if __name__ == "__main__":
    sys.exit(main())
