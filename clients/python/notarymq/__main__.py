"""`python3 -m notarymq keygen | pub | sub`: signed MQTT on the command line."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import List, Optional

from .broker_identity import DEFAULT_KNOWN_BROKERS, KnownBrokers
from .client import Client, Message
from .commands import OK, add_connection_options, new_parser, run_command, settings_of
from .encryption import PreSharedKeys
from .errors import NotaryError
from .identity import Identity, load_public_key, public_path
from .keyring import Keyring


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command. Returns 0 ok, 1 the answer is no, 2 anything else."""
    args = _build_parser().parse_args(arguments)
    return run_command(f"notarymq {args.command}", lambda: args.run(args))


def _keygen(args: argparse.Namespace) -> int:
    identity = Identity.generate(args.file, _passphrase(args))
    print(f"private key  {args.file}")
    print(f"public key   {public_path(args.file)}")
    print(f"kid          {identity.kid}")
    return OK


def _pub(args: argparse.Namespace) -> int:
    if args.psk_file is not None and args.encrypt_with is None:
        # Who names keys means to encrypt: nothing goes in clear for want of a name.
        raise NotaryError("ERR_USAGE", "--psk-file needs --encrypt-with NAME")
    payload = _payload(args)
    identity = None
    if args.identity is not None:
        identity = Identity.load(args.identity, _passphrase(args))
    with Client(settings_of(args), identity, encryption=_encryption(args)) as client:
        if args.mac or args.broker_key is not None:
            pinned = args.broker_key and load_public_key(args.broker_key)
            client.prove_broker(pinned, KnownBrokers(args.known_brokers))
        sent = client.publish(
            args.topic,
            payload,
            qos=args.qos if args.qos is not None else (0 if identity is None else 1),
            retain=args.retain,
            mac=args.mac,
            detached=args.detached,
            encrypt_with=args.encrypt_with,
        )
    if args.json:
        kid = None if identity is None else identity.kid
        line = {"topic": sent.topic, "seq": sent.seq, "timeMs": sent.time_ms, "kid": kid}
        print(json.dumps({name: value for name, value in line.items() if value is not None}))
    return OK


def _sub(args: argparse.Namespace) -> int:
    keyring = Keyring() if args.keys is None else Keyring.of_directory(args.keys)
    show = _json_of if args.json else _line_of
    with Client(settings_of(args), None, keyring, _encryption(args)) as client:
        for topic_filter in args.topic:
            client.subscribe(topic_filter, args.qos)
        received = 0
        while args.count is None or received < args.count:
            try:
                message = client.receive(args.seconds)
            except NotaryError as error:
                if error.code != "ERR_TIMEOUT" or args.seconds is not None:
                    raise
                continue
            if args.verified_only and message.verified is None:
                continue
            print(show(message), flush=True)
            received += 1
    return OK


def _line_of(message: Message) -> str:
    text = message.payload.decode("utf-8", "backslashreplace")
    if message.undecrypted is not None:
        text = f"({message.undecrypted})"
    if message.verified is None:
        return f"{message.topic} {text}  [unverified: {message.unverified}]"
    verified = message.verified
    return (
        f"{message.topic} {text}  "
        f"[{verified.subject} #{verified.seq} {_time_text(verified.time_ms)}]"
    )


def _json_of(message: Message) -> str:
    line = {
        "topic": message.topic,
        "payloadHex": message.payload.hex(),
        "qos": message.qos,
        "retain": message.retain,
        "encrypted": message.encrypted,
    }
    if message.verified is None:
        line["unverified"] = message.unverified
    else:
        line["verified"] = {
            "subject": message.verified.subject,
            "kid": message.verified.kid,
            "seq": message.verified.seq,
            "timeMs": message.verified.time_ms,
        }
    if message.undecrypted is not None:
        line["undecrypted"] = message.undecrypted
    return json.dumps(line)


def _time_text(time_ms: int) -> str:
    """Return RFC 3339; the number itself for times that no calendar has."""
    try:
        moment = datetime.fromtimestamp(time_ms / 1000, timezone.utc)
    except (OverflowError, ValueError):
        return f"{time_ms} ms"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _payload(args: argparse.Namespace) -> bytes:
    if args.message is not None:
        return args.message.encode()
    try:
        return sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
    except OSError as cause:
        raise NotaryError("ERR_USAGE", f"cannot read {args.file}") from cause


def _passphrase(args: argparse.Namespace) -> Optional[str]:
    if args.passphrase_file is None:
        return None
    try:
        return args.passphrase_file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as cause:
        raise NotaryError(
            "ERR_PASSPHRASE", f"cannot read {args.passphrase_file}"
        ) from cause


def _encryption(args: argparse.Namespace) -> Optional[PreSharedKeys]:
    return None if args.psk_file is None else PreSharedKeys.load(args.psk_file)


def _build_parser() -> argparse.ArgumentParser:
    parser = new_parser("notarymq", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    keygen = commands.add_parser("keygen", help="make a key pair")
    keygen.set_defaults(run=_keygen)
    keygen.add_argument("file", type=Path)
    keygen.add_argument("--passphrase-file", type=Path)

    pub = _add_command(commands, "pub", "publish one message, signed or not")
    pub.set_defaults(run=_pub)
    pub.add_argument("-t", "--topic", required=True)
    content = pub.add_mutually_exclusive_group(required=True)
    content.add_argument("-m", "--message")
    content.add_argument("-f", "--file", help="- is standard input")
    pub.add_argument("-q", "--qos", type=int, choices=(0, 1, 2))
    pub.add_argument("-r", "--retain", action="store_true")
    pub.add_argument("--identity", type=Path, metavar="KEY.pem", help="sign with it")
    pub.add_argument("--passphrase-file", type=Path)
    pub.add_argument("--mac", action="store_true", help="add a hop MAC")
    pub.add_argument("--detached", action="store_true", help="MQTT 5 alone")
    pub.add_argument("--encrypt-with", metavar="NAME", help="of the pre-shared key")
    pub.add_argument("--broker-key", type=Path, help="key that the broker must have")
    pub.add_argument("--known-brokers", type=Path, default=DEFAULT_KNOWN_BROKERS)

    sub = _add_command(commands, "sub", "print messages and who signed them")
    sub.set_defaults(run=_sub)
    sub.add_argument("-t", "--topic", required=True, action="append")
    sub.add_argument("-q", "--qos", type=int, choices=(0, 1, 2), default=1)
    sub.add_argument("-C", "--count", type=int, help="end after so many")
    sub.add_argument("-W", "--seconds", type=float, help="fail after so long without one")
    sub.add_argument("--keys", type=Path, metavar="DIR", help="NAME.pub.pem to believe")
    sub.add_argument("--verified-only", action="store_true")
    return parser


def _add_command(commands: argparse._SubParsersAction, name: str, about: str):
    command = commands.add_parser(name, help=about, description=about, add_help=False)
    command.add_argument("--help", action="help", help="explain this")
    add_connection_options(command)
    command.add_argument("--psk-file", type=Path, help="pre-shared keys")
    command.add_argument("--json", action="store_true")
    return command


if __name__ == "__main__":
    sys.exit(main())
