"""The admin topic: JSON-RPC 2.0 over MQTT."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator

from . import topics
from .cbor import malformed
from .connection import Connection
from .errors import NotaryError
from .json_text import json_object


class Admin:
    """Asks the admin topic on a connection that is there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._next_id = 1

    def request(self, method: str, params: Dict[str, Any]) -> Any:
        """Return the result of a method. Raises ERR_ADMIN, ERR_MALFORMED, ERR_TIMEOUT."""
        request_id = self._next_id
        self._next_id += 1
        message = {
            "jsonrpc": "2.0",
            "id": request_id,
            "method": method,
            "params": params,
        }
        topic = topics.admin_response(self._connection.client_id)
        payload = json.dumps(message).encode()
        answer = json_object(self._connection.ask(topics.ADMIN_REQUEST, topic, payload))
        # What takes long also tells how far it is, without an id.
        while answer.get("id") not in (request_id, None) or "method" in answer:
            answer = json_object(self._connection.next_answer(topic))
        error = answer.get("error")
        if isinstance(error, dict) and isinstance(error.get("message"), str):
            raise NotaryError("ERR_ADMIN", error["message"])
        if "result" not in answer:
            raise malformed("an answer of the admin topic without a result")
        return answer["result"]

    def records(self, params: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
        """Yield what `audit.query` finds, page after page."""
        cursor: Dict[str, Any] = {}
        while True:
            page = self.request("audit.query", {**params, **cursor})
            yield from page["records"]
            if page["cursor"] is None:
                return
            cursor = {"cursor": page["cursor"]}
