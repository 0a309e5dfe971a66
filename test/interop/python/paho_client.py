"""An MQTT client on Eclipse paho 1.6.1, for tests: JSON lines on stdout.

Exit codes: 0 done; 1 refused, disconnected or timed out; 2 bad arguments, an
unusable key or nobody listening.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Any, Callable, Optional

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from notary_envelope import load_private_key, sign_publish

REFUSED = 0x80  # MQTT 5 reason codes from here on are failures


class Refused(Exception):
    """The broker refused, disconnected or did not answer in time."""


class ObservedClient(mqtt.Client):
    """A paho client that remembers what its callbacks do not show.

    on_publish in paho 1.6.1 hands out no reason code, nor does the log, so
    the packets are read in the handlers that paho itself runs, from its
    private field `_in_packet`. Beyond reading, its behaviour is untouched:
    after a refusing PUBREC it still sends PUBREL, as it does for everybody.
    """

    def __init__(self, protocol: int, client_id: str) -> None:
        is_v5 = protocol == mqtt.MQTTv5
        super().__init__(
            client_id,
            clean_session=None if is_v5 else True,
            protocol=protocol,
            # A reconnecting client would re-send and hide what happened.
            reconnect_on_failure=False,
        )
        self.is_v5 = is_v5
        self.connack: Optional[int] = None
        self.subacks: dict[int, list[int]] = {}
        self.acknowledged: dict[int, Optional[int]] = {}
        self.messages: list[mqtt.MQTTMessage] = []
        self.disconnect_reason: Optional[int] = None
        self._pubrec_codes: dict[int, Optional[int]] = {}
        self.on_connect = self._note_connack
        self.on_subscribe = self._note_suback
        self.on_publish = self._note_sent
        self.on_message = self._note_message

    def run_until(
        self, done: Callable[[], bool], seconds: float, what: str
    ) -> None:
        """Run the network loop until `done`, else raise Refused."""
        deadline = time.monotonic() + seconds
        while not done():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise Refused(f"timed out waiting for {what}")
            rc = self.loop(min(remaining, 0.25))
            reason = self.disconnect_reason
            lost = rc != mqtt.MQTT_ERR_SUCCESS or reason is not None
            if lost and not done():
                why = mqtt.error_string(rc) if reason is None else hex(reason)
                raise Refused(f"disconnected, waiting for {what}: {why}")

    def _note_connack(self, _client, _data, _flags, code, *_rest) -> None:
        self.connack = int(getattr(code, "value", code))

    def _note_suback(self, _client, _data, mid, codes, *_rest) -> None:
        self.subacks[mid] = [int(getattr(c, "value", c)) for c in codes]

    def _note_sent(self, _client, _data, mid) -> None:
        # For QoS 0 this is all there is; otherwise a handler below came first.
        self.acknowledged.setdefault(mid, None)

    def _note_message(self, _client, _data, message) -> None:
        self.messages.append(message)

    def _read_acknowledgement(self) -> tuple[int, Optional[int]]:
        packet = self._in_packet["packet"]
        if len(packet) < 2:
            raise Refused("the broker sent a malformed acknowledgement")
        mid = int.from_bytes(packet[:2], "big")
        if not self.is_v5:
            return mid, None
        # MQTT-5.0 section 3.4.2.1: a code left out means success.
        return mid, packet[2] if len(packet) > 2 else 0

    def _handle_pubackcomp(self, cmd: str) -> int:
        # Noted before paho goes on: its next write may find the socket closed.
        mid, code = self._read_acknowledgement()
        if cmd == "PUBCOMP":
            pubrec_code = self._pubrec_codes.pop(mid, code)
            code = code if is_failure(code) else pubrec_code
        self.acknowledged.setdefault(mid, code)
        return super()._handle_pubackcomp(cmd)

    def _handle_pubrec(self) -> int:
        mid, code = self._read_acknowledgement()
        if is_failure(code):
            # MQTT-5.0 section 4.3.3: the exchange ends here.
            self.acknowledged.setdefault(mid, code)
        else:
            self._pubrec_codes[mid] = code
        return super()._handle_pubrec()

    def _handle_disconnect(self) -> int:
        # paho 1.6.1 ignores the reason of a DISCONNECT without properties.
        packet = self._in_packet["packet"]
        self.disconnect_reason = packet[0] if packet else 0
        return super()._handle_disconnect()


def main() -> int:
    """Run one subcommand."""
    args = build_parser().parse_args()
    try:
        return args.run(args)
    except Refused as error:
        print(f"paho_client: {error}", file=sys.stderr)
        return 1
    except (OSError, ValueError, TypeError) as error:
        print(f"paho_client: {error}", file=sys.stderr)
        return 2


def run_publish(args: argparse.Namespace) -> int:
    """Publish the same bytes `--count` times, one after the other."""
    return publish_all(args, payload_of(args))


def run_sign_and_publish(args: argparse.Namespace) -> int:
    """Sign, then publish the envelope."""
    key = load_private_key(args.key.read_bytes())
    time_ms = args.time if args.time is not None else now_ms()
    payload = payload_of(args)
    envelope = sign_publish(key, args.topic, payload, args.seq, time_ms)
    return publish_all(args, envelope)


def run_subscribe(args: argparse.Namespace) -> int:
    """Print `--count` messages; `--timeout` counts from the SUBACK on."""
    client = connect(args)
    subscribe(client, args.topic, args.qos, args.timeout)
    print_line({"ready": True})
    printed = 0
    deadline = time.monotonic() + args.timeout
    while printed < args.count:
        seconds = max(deadline - time.monotonic(), 0)
        client.run_until(lambda: bool(client.messages), seconds, "a message")
        while client.messages and printed < args.count:
            print_line(describe(client.messages.pop(0)))
            printed += 1
    client.disconnect()
    return 0


def run_request(args: argparse.Namespace) -> int:
    """Publish a request (MQTT 5) and print the first answer."""
    client = connect(args)
    subscribe(client, args.response_topic, args.qos, args.timeout)
    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic = args.response_topic
    properties.CorrelationData = secrets.token_bytes(8)
    result = publish(client, args, payload_of(args), properties)
    if is_refusal(result):
        raise Refused(f"the request was refused: {result['reasonCode']:#x}")
    client.run_until(lambda: bool(client.messages), args.timeout, "an answer")
    answer = client.messages[0]
    correlation = getattr(answer.properties, "CorrelationData", None)
    try:
        text = answer.payload.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    print_line(
        {
            **describe(answer),
            "payload": text,
            "correlationMatches": correlation == properties.CorrelationData,
        }
    )
    client.disconnect()
    return 0


def connect(args: argparse.Namespace) -> ObservedClient:
    """Connect, and return once the broker has accepted."""
    # MQTT 3.1 allows 23 characters at most.
    client_id = args.client_id or f"paho-{secrets.token_hex(6)}"
    client = ObservedClient(args.protocol, client_id)
    if args.username is not None:
        client.username_pw_set(args.username, args.password)
    client.connect(args.host, args.port, keepalive=30)
    client.run_until(
        lambda: client.connack is not None, args.timeout, "CONNACK"
    )
    if client.connack != 0:
        raise Refused(f"the connection was refused: {client.connack:#x}")
    return client


def subscribe(
    client: ObservedClient, topic: str, qos: int, seconds: float
) -> None:
    """Subscribe, and return once the broker has granted it."""
    rc, mid = client.subscribe(topic, qos)
    if rc != mqtt.MQTT_ERR_SUCCESS:
        raise Refused(f"not subscribed: {mqtt.error_string(rc)}")
    client.run_until(lambda: mid in client.subacks, seconds, "SUBACK")
    code = client.subacks[mid][0]
    if is_failure(code):
        raise Refused(f"the subscription was refused: {code:#x}")


def publish(
    client: ObservedClient,
    args: argparse.Namespace,
    payload: bytes,
    properties: Optional[Properties] = None,
) -> dict[str, Any]:
    """Publish once, and return once it is acknowledged."""
    info = client.publish(
        args.topic, payload, args.qos, args.retain, properties
    )
    if info.rc == mqtt.MQTT_ERR_SUCCESS:
        client.run_until(
            lambda: info.mid in client.acknowledged,
            args.timeout,
            f"the acknowledgement of {info.mid}",
        )
    code = client.acknowledged.pop(info.mid, None)
    return {"mid": info.mid, "rc": info.rc, "reasonCode": code}


def publish_all(args: argparse.Namespace, payload: bytes) -> int:
    """Publish `--count` times and print a line for each."""
    client = connect(args)
    results = []
    for _ in range(args.count):
        results.append(publish(client, args, payload))
        print_line(results[-1])
    client.disconnect()
    return 1 if any(map(is_refusal, results)) else 0


def is_failure(code: Optional[int]) -> bool:
    """Tell whether a reason code refuses; MQTT 3 has none to give."""
    return code is not None and code >= REFUSED


def is_refusal(result: dict[str, Any]) -> bool:
    """Tell whether a publish failed here or was refused by the broker."""
    return result["rc"] != 0 or is_failure(result["reasonCode"])


def describe(message: mqtt.MQTTMessage) -> dict[str, Any]:
    """Return one received message as the JSON that is printed."""
    return {
        "topic": message.topic,
        "payloadHex": bytes(message.payload).hex(),
        "qos": message.qos,
        "retain": bool(message.retain),
    }


def now_ms() -> int:
    """Return the wall clock in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def payload_of(args: argparse.Namespace) -> bytes:
    """Return the payload, however it was given; empty when it was not."""
    return args.payload or args.payload_hex or b""


def print_line(value: dict[str, Any]) -> None:
    """Print at once, so that whoever waits for the line can go on."""
    print(json.dumps(value), flush=True)


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    command = add_command(commands, "publish", run_publish)
    add_publish_options(command, "--hex")

    command = add_command(commands, "sign-and-publish", run_sign_and_publish)
    command.add_argument("--key", type=Path, required=True, help="PEM file")
    command.add_argument("--seq", type=int, required=True)
    command.add_argument("--time", type=int, help="ms since 1970, default now")
    add_publish_options(command, "--payload-hex")

    command = add_command(commands, "subscribe", run_subscribe)
    command.add_argument("--count", type=int, default=1)

    command = add_command(commands, "request", run_request)
    command.add_argument("--response-topic", required=True)
    add_publish_options(command, "--payload-hex", repeatable=False)
    command.set_defaults(protocol=mqtt.MQTTv5, retain=False, qos=1)
    return parser


def add_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Add a subcommand with the options that every one has."""
    about = run.__doc__
    command = commands.add_parser(name, help=about, description=about)
    command.set_defaults(run=run)
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=int, default=1883)
    command.add_argument("--client-id")
    command.add_argument("--username")
    command.add_argument("--password")
    command.add_argument("--timeout", type=float, default=10, metavar="S")
    command.add_argument("--topic", required=True)
    command.add_argument("--qos", type=int, choices=(0, 1, 2), default=0)
    if name != "request":
        command.add_argument(
            "--protocol", type=int, choices=(3, 4, 5), default=5
        )
    return command


def add_publish_options(
    command: argparse.ArgumentParser, hex_option: str, repeatable: bool = True
) -> None:
    """Add the payload, and what a plain publish has beyond it."""
    payload = command.add_mutually_exclusive_group()
    payload.add_argument("--payload", type=str.encode, metavar="TEXT")
    payload.add_argument(
        hex_option, type=bytes.fromhex, metavar="HEX", dest="payload_hex"
    )
    if repeatable:
        command.add_argument("--count", type=int, default=1)
        command.add_argument("--retain", action="store_true")


if __name__ == "__main__":
    sys.exit(main())
