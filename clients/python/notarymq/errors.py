"""The one exception of this package, and every code that it carries."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

#: What each code means, and what to do. Callers compare codes, never texts.
CODES: Dict[str, Tuple[str, str]] = {
    "ERR_USAGE": ("called in a wrong way", "see the message and --help"),
    "ERR_IDENTITY_FILE": (
        "a key file is missing, unreadable or of another kind",
        "make one with `notarymq keygen` or `Identity.generate`",
    ),
    "ERR_PASSPHRASE": (
        "a private key is protected, and the passphrase is missing or another",
        "give --passphrase-file",
    ),
    "ERR_SEQUENCE_FILE": (
        "the sequence number beside the key cannot be read, locked or written",
        "end the other process that uses the key; never set the number back",
    ),
    "ERR_CONNECTION": (
        "the broker cannot be reached, refused the connection or ended it",
        "see host, port and the broker's log",
    ),
    "ERR_TIMEOUT": ("the broker did not answer in time", "see whether it runs"),
    "ERR_REFUSED": ("the broker refused", "the message names the cause"),
    "ERR_ADMIN": ("the admin topic answered with an error", "see the message"),
    "ERR_BROKER_UNPROVEN": (
        "the broker signs with another key than it is known by, or what it "
        "signed does not answer this client",
        "ask its operator whether the key was replaced",
    ),
    "ERR_KNOWN_BROKERS": (
        "the file with the keys of known brokers cannot be used",
        "each line is HOST:PORT, a space and a COSE_Key in base64url",
    ),
    "ERR_MALFORMED": (
        "bytes are not strict deterministic CBOR, or not of the structure "
        "that is needed",
        "take them as what they are: not ours, or damaged",
    ),
    "ERR_UNSIGNED": ("a message has no envelope", "do not rely on it"),
    "ERR_UNKNOWN_KEY": (
        "no key of the keyring has this kid, or more than one has",
        "add the publisher's public key to the keyring",
    ),
    "ERR_SIGNATURE_INVALID": (
        "a signature does not fit topic, payload, number and key",
        "the message was altered, moved to another topic, or never signed",
    ),
    "ERR_MAC_INVALID": (
        "a frame of the link is not the next one of the broker",
        "somebody is in between, or the session is another",
    ),
    "ERR_NO_ENCRYPTION_KEY": (
        "there is no key of this name, or none that fits the algorithm",
        "see the file of pre-shared keys",
    ),
    "ERR_NOT_DECRYPTED": (
        "a ciphertext was altered, or moved to another topic or sender",
        "do not use it",
    ),
    "ERR_RECEIPT_INVALID": (
        "a receipt does not prove what it is held against",
        "keep it: it may be evidence",
    ),
}


class NotaryError(Exception):
    """Everything that this package raises on purpose."""

    def __init__(
        self, code: str, message: str, refusal: Optional[str] = None
    ) -> None:
        if code not in CODES:
            raise KeyError(code)
        super().__init__(message)
        self.code = code
        #: With ERR_REFUSED the broker's cause, as docs/errors.md lists them.
        self.refusal = refusal
