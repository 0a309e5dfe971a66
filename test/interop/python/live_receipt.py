"""Publish to a live broker and verify the receipt that it pushes.

MQTT comes from Eclipse paho, CBOR from cbor2, signatures from cryptography:
nothing of the broker's code decides. Prints one line of JSON.

Exit codes: 0 proved; 1 refused or not proved; 2 bad arguments.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from paho_client import Refused, connect, publish, subscribe
from verify_receipt import INCLUSION, open_checkpoint, sha256, verify_sign1


def main() -> int:
    """Return 0 when the receipt proves what was published."""
    args = build_parser().parse_args()
    try:
        receipt = receipt_for_publish(args)
        print(json.dumps(verify(receipt, args)))
        return 0
    except (InvalidSignature, Refused, ValueError, KeyError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"live_receipt: {error}", file=sys.stderr)
        return 2


def receipt_for_publish(args: argparse.Namespace) -> dict[str, Any]:
    """Publish once and return what comes on the receipt topic."""
    client = connect(args)
    subscribe(client, "$notary/audit/receipt/-", 0, args.timeout)
    publish(client, args, args.payload)
    client.run_until(lambda: bool(client.messages), args.timeout, "a receipt")
    message = client.messages[0]
    client.disconnect()
    return json.loads(message.payload)


def verify(receipt: dict[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """Return what the receipt proves, having checked all of it."""
    record, salt = from_base64url(receipt["record"]), from_base64url(receipt["salt"])
    fields = cbor2.loads(record)
    if fields[3] != args.topic or fields[10] != hashlib.sha256(args.payload).digest():
        raise ValueError("a record of another publish")
    leaf = cbor2.dumps([1, fields[2], sha256(salt, record)], canonical=True)
    x, y = broker_key(args.broker_key)
    found = verify_sign1(
        from_base64url(receipt["receipt"]), INCLUSION, x, y, None, sha256(b"\x00", leaf)
    )
    size, index = found["numbers"]
    if found["subject"] != f"tree/{size}" or index != receipt["index"]:
        raise ValueError("another size or index than the one that was signed")
    opened = open_checkpoint(receipt["checkpoint"], [args.vkey.read_text().strip()])
    if (opened["size"], opened["root"]) != (size, found["root"]):
        raise ValueError("the checkpoint is of another tree")
    if opened["origin"] != found["issuer"]:
        raise ValueError("the checkpoint is of another log")
    return {"origin": opened["origin"], "size": size, "index": index}


def broker_key(path: Path) -> tuple[bytes, bytes]:
    """Return x and y of a P-256 public key in PEM."""
    key = load_pem_public_key(path.read_bytes())
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("not an EC key")
    numbers = key.public_numbers()
    return numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")


def from_base64url(text: str) -> bytes:
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--protocol", type=int, choices=(3, 4, 5), default=5)
    parser.add_argument("--qos", type=int, choices=(0, 1, 2), default=1)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--payload", type=str.encode, required=True)
    parser.add_argument("--broker-key", type=Path, required=True)
    parser.add_argument("--vkey", type=Path, required=True)
    parser.add_argument("--timeout", type=float, default=20, metavar="S")
    parser.set_defaults(client_id=None, username=None, password=None, retain=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
