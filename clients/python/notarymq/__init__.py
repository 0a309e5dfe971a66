"""NotaryMQ for Python: sign, verify, encrypt and prove MQTT messages."""

from .admin import Admin
from .broker_identity import KnownBrokers, Statement
from .chain import Fault, StoredBlock, verify_chain
from .client import Client, Message, Sent
from .connection import Connection, Refusal, Settings
from .encryption import PreSharedKeys
from .envelope import Verified
from .errors import CODES, NotaryError
from .exchange import Session
from .identity import Identity, load_public_key
from .keyring import Keyring
from .link import LinkAnswer, NotaryLink, connect_socket
from .receipts import Proved, verify_receipt

__all__ = [
    "CODES",
    "Admin",
    "Client",
    "Connection",
    "Fault",
    "Identity",
    "Keyring",
    "KnownBrokers",
    "LinkAnswer",
    "Message",
    "NotaryError",
    "NotaryLink",
    "PreSharedKeys",
    "Proved",
    "Refusal",
    "Sent",
    "Session",
    "Settings",
    "Statement",
    "StoredBlock",
    "Verified",
    "connect_socket",
    "load_public_key",
    "verify_chain",
    "verify_receipt",
]
