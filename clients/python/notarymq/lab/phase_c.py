"""Phase C: every verified message is in the chain; alterations are found."""

from __future__ import annotations

from typing import Any, Dict, List

from ..admin import Admin
from ..cbor import decode
from ..chain import StoredBlock, verify_chain
from ..client import Client
from ..keys import PublicKey, from_base64url
from .phase_b import exchange_and_publish
from .scene import TOPICS, LabFailed, Scene
from .stored_chain import fetch_chain

#: More are not altered one by one; they are spread over the chain.
MAX_ALTERED = 64
_HOP_MAC = 18


def run(scene: Scene) -> None:
    """Run the phase."""
    story = scene.story
    with Client(scene.settings) as client:
        admin = Admin(client.connection)
        begun_at = admin.request("audit.status", {})["treeSize"]
        numbers = exchange_and_publish(scene)
        _show_records(scene, admin, begun_at, numbers)
        broker = client.prove_broker(None, scene.known_brokers()).key

        story.step("The broker verifies its own chain, then we verify it without its help")
        verified = admin.request("audit.verify", {})
        story.check(verified["ok"], f"it says: {verified['checked']} records are whole")
        blocks = fetch_chain(admin)
    fault = verify_chain(blocks, broker)
    records = sum(len(block.leaves) for block in blocks)
    story.check(
        fault is None, f"we say: {records} records in {len(blocks)} blocks, by its key alone"
    )
    _alter_every_block(scene, blocks, broker)


def _show_records(scene: Scene, admin: Admin, begun_at: int, numbers: List[int]) -> None:
    story = scene.story
    story.step("The chain: timestamp, sender, content and HMAC of every message")
    query = {
        "topic": f"{scene.topic}/#",
        "fromIndex": begun_at,
        "include": ["record", "payload"],
    }
    records = [one for one in admin.records(query) if one["kind"] == "publish"]
    for record in records:
        story.show(_line_of(record))
    found = [record["seq"] for record in records if record["topic"] != f"{scene.topic}/tampered"]
    story.check(sorted(found) == numbers, "each genuine message is there once")
    tampered = [record for record in records if record["seq"] not in numbers]
    story.check(len(tampered) == 1, "of all the tampered ones, the genuine one alone")
    story.check(
        all(record["outcome"] == "signed" for record in records), "each has the sender's signature"
    )


def _line_of(record: Dict[str, Any]) -> str:
    mac = decode(from_base64url(record["record"])).get(_HOP_MAC)
    content = from_base64url(record["payload"]).decode("utf-8", "backslashreplace")
    hmac = "none" if mac is None else mac[1].hex()[:16]
    return (
        f"{record['index']}  {record['time']}  {record['subject']} #{record['seq']}  "
        f"{record['topic'][len(TOPICS) + 1:]} \"{content}\"  hmac {hmac}"
    )


def _alter_every_block(scene: Scene, blocks: List[StoredBlock], broker: PublicKey) -> None:
    story = scene.story
    story.step("One bit of a stored block is altered, block after block, in a copy")
    step = max(1, -(-len(blocks) // MAX_ALTERED))
    causes: Dict[str, int] = {}
    heights = range(0, len(blocks), step)
    for turn, height in enumerate(heights):
        for part in range(4):
            altered = _altered(blocks[height], (turn + part) % 4)
            if altered is not None:
                break
        else:
            raise LabFailed(f"block {height} has nothing to alter")
        fault = verify_chain([*blocks[:height], altered, *blocks[height + 1 :]], broker)
        if fault is None or fault.height != height:
            raise LabFailed(f"the alteration of block {height} was located: {fault}")
        causes[fault.cause] = causes.get(fault.cause, 0) + 1
    story.check(True, f"{len(heights)} alterations, each found and its block named")
    for cause, count in sorted(causes.items()):
        story.show(f"{count} times {cause}")


def _altered(block: StoredBlock, part: int):
    """Return the block with one bit of header, leaf, record or payload altered."""
    if part == 0:
        return StoredBlock(_flip(block.header), block.leaves, block.entries)
    if part == 1:
        return StoredBlock(
            block.header, [_flip(block.leaves[0]), *block.leaves[1:]], block.entries
        )
    salt, record, body = block.entries[-1]
    if part == 2 and record is not None:
        return _with_last(block, (salt, _flip(record), body))
    if part == 3 and body:
        return _with_last(block, (salt, record, _flip(body)))
    return None


def _with_last(block: StoredBlock, entry: tuple) -> StoredBlock:
    return StoredBlock(block.header, block.leaves, [*block.entries[:-1], entry])


def _flip(data: bytes) -> bytes:
    """Return the bytes with one bit in their middle the other way round."""
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
