"""Sign one publish and print its envelope as hex."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from notary_envelope import load_private_key, sign_publish


def main() -> int:
    """Return 0, or 2 for a bad argument or an unusable key."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--key", required=True, type=Path, help="PEM file")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--seq", required=True, type=int)
    parser.add_argument("--time", type=int, help="ms since 1970, default now")
    payload = parser.add_mutually_exclusive_group(required=True)
    payload.add_argument("--payload", type=str.encode, metavar="TEXT")
    payload.add_argument("--payload-hex", type=bytes.fromhex, metavar="HEX")
    args = parser.parse_args()

    now_ms = time.time_ns() // 1_000_000
    time_ms = args.time if args.time is not None else now_ms
    content = args.payload or args.payload_hex or b""
    try:
        key = load_private_key(args.key.read_bytes())
        envelope = sign_publish(key, args.topic, content, args.seq, time_ms)
    except (OSError, ValueError, TypeError) as error:
        print(f"sign_publish: {error}", file=sys.stderr)
        return 2
    print(envelope.hex())
    return 0


if __name__ == "__main__":
    sys.exit(main())
