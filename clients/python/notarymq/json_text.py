"""JSON of the broker, which may be anybody until it proved who it is."""

from __future__ import annotations

import json
from typing import Any, Dict

from .cbor import malformed


def json_object(payload: bytes) -> Dict[str, Any]:
    """Read an object. Raises ERR_MALFORMED."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as cause:
        raise malformed("not JSON") from cause
    if not isinstance(value, dict):
        raise malformed("not a JSON object")
    return value
