"""The topics of the broker's own services."""

from __future__ import annotations

import re
from urllib.parse import quote

_UNSAFE = re.compile(r"[%/+#\x00-\x1f\x7f-\x9f]")

ADMIN_REQUEST = "$notary/admin/request"
KEY_EXCHANGE_REQUEST = "$notary/key-exchange/request"
IDENTITY_REQUEST = "$notary/identity/request"
#: `-` stands for the client's own id.
OWN_REJECTED = "$notary/rejected/-"
OWN_RECEIPTS = "$notary/audit/receipt/-"


def encode_client_id(client_id: str) -> str:
    """Return a client id as one topic level."""
    return _UNSAFE.sub(lambda found: quote(found[0], safe=""), client_id)


def admin_response(client_id: str) -> str:
    """Return where the admin topic answers this client."""
    return f"$notary/admin/response/{encode_client_id(client_id)}"


def key_exchange_response(client_id: str) -> str:
    """Return where key exchanges are answered, and what answers are signed for."""
    return f"$notary/key-exchange/response/{encode_client_id(client_id)}"


def identity_response(client_id: str) -> str:
    """Return where the broker says who it is, and what that is signed for."""
    return f"$notary/identity/response/{encode_client_id(client_id)}"

