import assert from 'node:assert/strict'
import { createHmac, hkdfSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { FrameReader, type LinkFrame, LinkReceiver, LinkSender, nobleCrypto, toHex } from '../../../protocol/index.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { hex } from '../../helpers/vectors.ts'

const sessionKey = new Uint8Array(32).fill(9)
const contents = ['aa', '', 'aa', 'bbcc'].map(hex)

/** Frames of a client to its broker, as they come out of the reader. */
function sent(): LinkFrame[] {
  const sender = new LinkSender(sessionKey, 'clientToBroker', nativeCrypto)
  const reader = new FrameReader(100)
  return contents.flatMap((content) => reader.push(sender.seal(content)))
}

const receiver = () => new LinkReceiver(sessionKey, 'clientToBroker', nobleCrypto)

describe('the MAC of a secure link', () => {
  test('lets what was sent through, in its order', () => {
    const link = receiver()
    assert.deepEqual(
      sent().map((frame) => toHex(link.open(frame))),
      contents.map(toHex),
    )
  })
  test('is HMAC(HKDF(session key, label), direction || counter || content)', () => {
    for (const [direction, label, byte] of [
      ['clientToBroker', 'c2b', '01'],
      ['brokerToClient', 'b2c', '02'],
    ] as const) {
      const key = new Uint8Array(hkdfSync('sha256', sessionKey, new Uint8Array(0), `notarymq/1 ${label}`, 32))
      const sender = new LinkSender(sessionKey, direction, nobleCrypto)
      for (const [counter, content] of contents.entries()) {
        const input = hex(`${byte} 000000000000000${counter} ${toHex(content)}`)
        const tag = createHmac('sha256', key).update(input).digest('hex')
        assert.ok(toHex(sender.seal(content)).endsWith(tag), `${direction} ${counter}`)
      }
    }
  })
  test('refuses a frame that is repeated, left out, moved, or sent back', () => {
    const [first, second, third] = sent()
    assert.ok(first !== undefined && second !== undefined && third !== undefined)
    const link = receiver()
    throwsCode(() => link.open(second), 'ERR_MAC_INVALID')
    link.open(first)
    throwsCode(() => link.open(first), 'ERR_MAC_INVALID')
    // The same content as the first has, under its own number.
    throwsCode(() => link.open(third), 'ERR_MAC_INVALID')
    link.open(second)
    link.open(third)
    const back = new LinkReceiver(sessionKey, 'brokerToClient', nativeCrypto)
    throwsCode(() => back.open(first), 'ERR_MAC_INVALID')
  })
  test('refuses a frame of another session', () => {
    const other = new LinkReceiver(new Uint8Array(32).fill(8), 'clientToBroker', nativeCrypto)
    const [first] = sent()
    assert.ok(first !== undefined)
    throwsCode(() => other.open(first), 'ERR_MAC_INVALID')
  })
  test('refuses a frame with any single bit flipped', () => {
    const [, , , frame] = sent()
    assert.ok(frame !== undefined)
    const flip = (data: Uint8Array, bit: number) => data.with(bit >> 3, (data[bit >> 3] as number) ^ (1 << (bit & 7)))
    const link = receiver()
    for (const before of sent().slice(0, 3)) link.open(before)
    for (let bit = 0; bit < frame.content.length * 8; bit++) {
      throwsCode(() => link.open({ ...frame, content: flip(frame.content, bit) }), 'ERR_MAC_INVALID')
    }
    for (let bit = 0; bit < frame.mac.length * 8; bit++) {
      throwsCode(() => link.open({ ...frame, mac: flip(frame.mac, bit) }), 'ERR_MAC_INVALID')
    }
    assert.equal(toHex(link.open(frame)), 'bbcc')
  })
})
