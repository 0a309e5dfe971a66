"""The stored blocks of a broker, over its admin topic."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from ..admin import Admin
from ..chain import Entry, StoredBlock
from ..errors import NotaryError
from ..keys import from_base64url

#: What a lab reads over MQTT and holds in memory.
MAX_RECORDS = 20_000
_PAGE = 500


def fetch_chain(admin: Admin) -> List[StoredBlock]:
    """Read every block, with records, salts and payloads, from the genesis on.

    Raises ERR_USAGE for a chain that is too long for that.
    """
    status = admin.request("audit.status", {})
    if status["treeSize"] > MAX_RECORDS:
        raise NotaryError(
            "ERR_USAGE",
            f"the chain has more than {MAX_RECORDS} records: "
            "verify it with `notarymq audit export` and `audit verify --export`",
        )
    wanted = {"include": ["record", "salt", "payload"], "limit": _PAGE}
    records = {record["index"]: record for record in admin.records(wanted)}
    blocks = []
    for height in range(status["blocks"]):
        block = admin.request("audit.block", {"height": height})
        first, count = block["firstIndex"], block["count"]
        entries = [_entry(records.get(index)) for index in range(first, first + count)]
        leaves = [from_base64url(leaf) for leaf in block["leaves"]]
        blocks.append(StoredBlock(from_base64url(block["header"]), leaves, entries))
    return blocks


def _entry(record: Optional[Dict[str, Any]]) -> Entry:
    # A record that was erased has its leaf alone.
    if record is None or "record" not in record:
        return None, None, None
    payload = record.get("payload")
    body = None if payload is None else from_base64url(payload)
    return from_base64url(record["salt"]), from_base64url(record["record"]), body
