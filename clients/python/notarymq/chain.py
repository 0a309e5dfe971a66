"""Verifies a chain of blocks from its genesis (docs/chain.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Optional, Tuple

from .cbor import decode, encode
from .cose import aad_of, parse_sign1, parse_signed_by_broker, to_be_signed
from .errors import NotaryError
from .exchange import verified_payload
from .keys import PublicKey, is_signed_by, key_of_cose, sha256, thumbprint
from .merkle import Frontier, leaf_hash, leaf_of

#: Salt, record and application payload; None where there is none any more.
Entry = Tuple[Optional[bytes], Optional[bytes], Optional[bytes]]

_PUBLISH, _GENESIS, _KEY_EVENT = 1, 2, 3
_ENROLMENT, _BROKER_ROTATION = 1, 5
_SIGNED = 2


@dataclass(frozen=True)
class StoredBlock:
    """What a store has of one block."""

    #: The signed header, a COSE_Sign1.
    header: bytes
    leaves: List[bytes]
    entries: List[Entry]


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong with a chain."""

    height: int
    #: Of the record, or the first one of the block when all are concerned.
    index: int
    cause: str


@dataclass
class _State:
    """What the blocks so far lead to."""

    frontier: Frontier
    keys: Dict[bytes, PublicKey]
    #: Name of the log, as the genesis says it.
    origin: str = ""
    broker: Optional[PublicKey] = None
    previous_hash: bytes = bytes(32)
    height: int = 0
    size: int = 0
    is_trusted: bool = False


class _Found(Exception):
    """Carries a fault out of a check."""

    def __init__(self, cause: str, offset: int = 0) -> None:
        super().__init__(cause)
        self.cause = cause
        self.offset = offset


def verify_chain(
    blocks: Iterable[StoredBlock], broker: PublicKey
) -> Optional[Fault]:
    """Verify every block up to the first that is not what the broker signed.

    `broker` is the key that is trusted: that of the genesis, or one that took
    its place and signed for that. Headers and their links, the tree, records,
    payloads and the signatures of publishers are checked. Returns None for a
    whole chain.
    """
    state = _State(Frontier(), {})
    for block in blocks:
        try:
            _enter(state, block, thumbprint(broker))
        except _Found as found:
            return Fault(state.height, state.size + found.offset, found.cause)
        except NotaryError:
            return Fault(state.height, state.size, "malformed-block")
        state.height += 1
        state.size += len(block.leaves)
    # It may be consistent, but whoever made it is not the one who is trusted.
    return None if state.is_trusted else Fault(0, 0, "genesis-invalid")


def _enter(state: _State, block: StoredBlock, trusted: bytes) -> None:
    if state.broker is None:
        _begin(state, block, trusted)
    encoded = _signed_header(state, block)
    root = _root_of_header(state, block, decode(encoded))
    for leaf in block.leaves:
        state.frontier.add(leaf_hash(leaf))
    altered = _altered(block)
    if state.frontier.root() != root:
        cause = "root-mismatch" if altered is None else "leaf-mismatch"
        raise _Found(cause, altered or 0)
    if altered is not None:
        raise _Found("record-mismatch", altered)
    for offset in range(len(block.entries)):
        try:
            _check_record(state, block, offset, trusted)
        except (NotaryError, LookupError, TypeError, AttributeError) as cause:
            # The broker signed what is no record: that is for the caller, too.
            raise _Found("record-malformed", offset) from cause
    state.previous_hash = sha256(encoded)


def _begin(state: _State, block: StoredBlock, trusted: bytes) -> None:
    """Take the broker key of the genesis record."""
    record = block.entries[0][1] if block.entries else None
    fields = decode(record) if record is not None else None
    if not isinstance(fields, dict) or fields.get(1) != _GENESIS:
        raise _Found("genesis-invalid")
    detail = fields.get(21)
    if not isinstance(detail, dict) or not isinstance(detail.get(2), str):
        raise _Found("genesis-invalid")
    state.origin = detail[2]
    _follow(state, key_of_cose(detail.get(3)), trusted)


def _follow(state: _State, key: PublicKey, trusted: bytes) -> None:
    state.broker = key
    state.is_trusted = state.is_trusted or thumbprint(key) == trusted


def _signed_header(state: _State, block: StoredBlock) -> bytes:
    """Return what the broker signed: that is what the next block links to."""
    sign1 = parse_signed_by_broker(block.header)
    if state.broker is None:
        raise _Found("genesis-invalid")
    try:
        return verified_payload(sign1, state.broker, "block")
    except NotaryError as cause:
        raise _Found("header-signature-invalid") from cause


def _root_of_header(state: _State, block: StoredBlock, header: Any) -> bytes:
    """Check that the block stands where its header says."""
    if not isinstance(header, list) or len(header) != 7:
        raise _Found("malformed-block")
    if header[1] != state.previous_hash:
        raise _Found("previous-hash-mismatch")
    count = len(block.leaves)
    placed = [state.height, state.size, count, state.size + count]
    if [header[0], header[2], header[3], header[5]] != placed:
        raise _Found("header-inconsistent")
    if len(block.entries) != count:
        raise _Found("malformed-block")
    return header[6]


def _altered(block: StoredBlock) -> Optional[int]:
    """Return the place of the first record that its leaf is not of."""
    for offset, (leaf, (salt, record, _)) in enumerate(zip(block.leaves, block.entries)):
        if salt is None or record is None:
            continue
        try:
            time_ms = decode(leaf)[1]
        except (NotaryError, LookupError, TypeError):
            return offset
        if leaf_of(time_ms, salt, record) != leaf:
            return offset
    return None


def _check_record(state: _State, block: StoredBlock, offset: int, trusted: bytes) -> None:
    _, record, body = block.entries[offset]
    if record is None:
        return
    fields = decode(record)
    kind = fields.get(1)
    if kind == _KEY_EVENT:
        event = fields[21]
        if event[1] == _ENROLMENT:
            state.keys[fields[13]] = key_of_cose(event[2])
        elif event[1] == _BROKER_ROTATION:
            key = key_of_cose(event[2])
            if len(block.entries) != 1 or not _takes_its_place(state, fields, key):
                raise _Found("key-event-invalid", offset)
            _follow(state, key, trusted)
    elif kind == _PUBLISH and body is not None:
        if sha256(body) != fields[10]:
            raise _Found("payload-mismatch", offset)
        if fields[12] == _SIGNED and not _is_signed(state, fields, body):
            raise _Found("signature-invalid", offset)


def _takes_its_place(state: _State, fields: Dict[int, Any], key: PublicKey) -> bool:
    """Tell whether a new broker key signed for this place in this log.

    Without that, anybody's chain could name the key that is trusted.
    """
    event = fields[21]
    if state.broker is None or event[7] != thumbprint(state.broker):
        return False
    try:
        place = verified_payload(parse_signed_by_broker(event[6]), key, "broker-key")
    except NotaryError:
        return False
    is_here = place == encode([state.origin, state.height, state.previous_hash])
    return is_here and fields[13] == thumbprint(key)


def _is_signed(state: _State, fields: Dict[int, Any], body: bytes) -> bool:
    key = state.keys.get(fields[13])
    sign1 = parse_sign1(fields[17])
    signed = to_be_signed(sign1.protected, aad_of(fields[3]), body)
    return (
        key is not None
        and sha256(signed) == fields[16]
        and is_signed_by(key, sign1.signature, signed)
    )
