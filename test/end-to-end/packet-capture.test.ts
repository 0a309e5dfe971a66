/** What somebody on the network sees of a payload, by which way it goes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePreSharedKeys, preSharedKeyCipher, recipientsCipher } from '../../clients/encryption/index.ts'
import { sealFernet } from '../../clients/secure-mqtt-client/index.ts'
import { nativeCrypto } from '../../plugins/index.ts'
import { TestMemory } from '../helpers/encryption-memory.ts'
import { key11, keyMeriadoc } from '../helpers/keys.ts'
import type { TestClient } from '../helpers/mqtt-clients.ts'
import { PacketCapture } from '../helpers/packet-capture.ts'
import { SeededRandom } from '../helpers/random.ts'
import { startTwoListeners, type TwoListeners } from '../helpers/two-listeners.ts'

interface Way {
  readonly name: string
  readonly connect: (site: TwoListeners) => Promise<TestClient>
  /** What is published in place of the payload. */
  readonly seal: (payload: Uint8Array) => Uint8Array | Promise<Uint8Array>
  readonly isReadable: boolean
}

const topic = 'plant/secret'
const asItIs = (payload: Uint8Array) => payload
const forReaders = recipientsCipher({ recipients: [key11, keyMeriadoc], own: undefined, crypto: nativeCrypto })
const ways: readonly Way[] = [
  { name: 'a plain publish on 1883', connect: ({ overPlain }) => overPlain(), seal: asItIs, isReadable: true },
  { name: 'a plain publish on 8883', connect: ({ overTls }) => overTls(), seal: asItIs, isReadable: false },
  {
    name: 'a token of Fernet on 1883',
    connect: ({ overPlain }) => overPlain(),
    seal: (payload) => Buffer.from(sealFernet(Buffer.alloc(32, 5), payload, Date.now())),
    isReadable: false,
  },
  ...[128, 256].map((bits): Way => {
    const keys = parsePreSharedKeys(`plant:${'5a'.repeat(bits / 8)}`)
    const cipher = preSharedKeyCipher({ keys, topics: ['plant/#'], memory: new TestMemory(), crypto: nativeCrypto })
    return {
      name: `a payload under a pre-shared key of ${bits} bits on 1883`,
      connect: ({ overPlain }) => overPlain(),
      seal: (payload) => cipher.seal(topic, payload, undefined),
      isReadable: false,
    }
  }),
  {
    name: 'a payload that is encrypted for the keys of two readers on 1883',
    connect: ({ overPlain }) => overPlain(),
    seal: (payload) => forReaders.seal(topic, payload, undefined),
    isReadable: false,
  },
]

/** Long enough that chance finds none: a capture has some 10,000 places, and there are 2^64 such runs. */
const runBytes = 8
const payloadBytes = 600

/** Where runs of the payload are found. */
function foundRuns(captured: Buffer, payload: Uint8Array): number[] {
  return Array.from({ length: payload.length - runBytes + 1 }, (_, at) => at).filter((at) =>
    captured.includes(Buffer.from(payload.subarray(at, at + runBytes))),
  )
}

for (const { name, connect, seal, isReadable } of ways) {
  const seen = isReadable ? 'all of the payload' : 'no eight bytes of the payload'
  test(`who captures packets sees ${seen} of ${name}, on its way to the broker or to a subscriber`, async (t) => {
    const site = await startTwoListeners(t)
    const capture = await PacketCapture.start(t, [site.port, site.tlsPort])
    if (capture === undefined) return
    const random = new SeededRandom(1883)
    const [payload, marker] = [random.bytes(payloadBytes), random.bytes(32)]
    const [publisher, subscriber, last] = [await connect(site), await connect(site), await site.overPlain()]
    await subscriber.subscribe('plant/#', 1)
    assert.equal(await publisher.publish(topic, await seal(payload)), 0)
    const [received] = await subscriber.waitFor(1)
    assert.equal(received?.topic, topic)
    // Packets are captured in their order: whatever was before this is there when this is.
    assert.equal(await last.publish('end', marker), 0)
    const captured = await capture.until(marker)
    assert.ok(captured.length > 2 * payloadBytes)
    assert.deepEqual(foundRuns(captured, payload).length, isReadable ? payloadBytes - runBytes + 1 : 0)
  })
}
