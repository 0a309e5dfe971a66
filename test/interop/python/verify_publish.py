"""Verify one envelope and print what its signature covers as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from notary_envelope import load_public_key, verify_publish


def main() -> int:
    """Return 0, 1 when the envelope is refused, 2 when the key is unusable."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--public-key", required=True, type=Path, help="PEM file"
    )
    parser.add_argument("--topic", required=True)
    parser.add_argument("--hex", required=True, help="the envelope")
    args = parser.parse_args()

    try:
        public_key = load_public_key(args.public_key.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        print(f"verify_publish: {error}", file=sys.stderr)
        return 2
    try:
        envelope = bytes.fromhex(args.hex)
    except ValueError:
        print("MalformedEnvelope: not hex", file=sys.stderr)
        return 1
    try:
        publish = verify_publish(public_key, args.topic, envelope)
    except ValueError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(
        json.dumps(
            {
                "seq": publish.seq,
                "time": publish.time_ms,
                "kid": publish.kid.hex(),
                "payloadHex": publish.payload.hex(),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
