import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/index.ts'
import {
  encodeCbor,
  encodeSign1,
  externalAad,
  fromBase64url,
  type HopMacKey,
  parseSign1,
  type RecordJson,
  verifySign1,
} from '../../../protocol/index.ts'
import { type Carried, carriages, carry, malleated, until, withoutPayload } from '../../helpers/attacks.ts'
import { AttackScene } from '../../helpers/attacks-scene.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { Signer } from '../../helpers/signing.ts'
import { hex } from '../../helpers/vectors.ts'

const topic = 'signed/press'
const payload = Buffer.from('21.5')

function changed(sign1: Uint8Array, changes: Partial<ReturnType<typeof parseSign1>>): Uint8Array {
  const parsed = parseSign1(sign1)
  return encodeSign1({ ...parsed, ...changes }, parsed.payload)
}

/** The same content, framed in every way that its signature admits. */
function copiesOf(sign1: Uint8Array, session: HopMacKey): Record<string, Carried> {
  const highS = changed(sign1, { signature: malleated(parseSign1(sign1).signature) })
  const withReceipts = changed(sign1, { unprotectedBytes: hex('a1 19018a 81 44 d28443a0') })
  const copies: Record<string, Carried> = {}
  for (const [name, copy] of Object.entries({
    'byte for byte': sign1,
    's -> n - s': highS,
    'with receipts': withReceipts,
  })) {
    copies[`${name}, attached`] = carry(copy, payload, 'attached')
    copies[`${name}, attached in a MAC`] = carry(copy, payload, 'attached', session)
    copies[`${name}, detached`] = carry(withoutPayload(copy), payload, 'detached')
    copies[`${name}, detached in a MAC`] = carry(withoutPayload(copy), payload, 'detached', session)
  }
  return copies
}

/** A kid is signed, so one that names the same key at greater length takes the signature with it. */
function withLongerKid(sign1: Uint8Array, { key }: Signer): Uint8Array {
  const parsed = parseSign1(sign1)
  const headers = new Map(parsed.protectedHeaders).set(4, key.thumbprint)
  return changed(sign1, { protectedBytes: encodeCbor(headers) })
}

for (const { name, version, carrier } of carriages) {
  test(`${name}: a copy of what was accepted counts as the same, however it is framed, on any connection`, async (t) => {
    const scene = await AttackScene.open(t)
    const signer = new Signer(numberedKey(131))
    await scene.enroll(signer.key, 'press')
    const publisher = await scene.connect(t, version)
    const subscriber = await TestClient.connect(t, scene.port)
    await subscriber.subscribe(topic)
    const sign1 = signer.sign(topic, payload)
    const first = carry(carrier === 'attached' ? sign1 : withoutPayload(sign1), payload, carrier)
    assert.equal(await publisher.publish(topic, first.payload, { qos: 2, ...first }), 0)

    for (const client of [publisher, await scene.connect(t), await scene.connect(t, { protocolVersion: 4 })]) {
      const session = await scene.agree(client, signer)
      for (const [what, copy] of Object.entries(copiesOf(sign1, session))) {
        // Before MQTT 5 a publish has no properties.
        if (copy.properties !== undefined && client.mqtt.options.protocolVersion !== 5) continue
        for (const qos of [0, 1, 2] as const) {
          assert.equal(await client.publish(topic, copy.payload, { qos, ...copy }), 0, `${what}, QoS ${qos}`)
        }
        await scene.refuses(client, 'replayed-with-other-flags', topic, { ...copy, retain: true }, what)
      }
      await scene.refuses(client, 'signature-invalid', 'signed/other', { payload: sign1 }, 'on another topic')
      await scene.refuses(client, 'signature-invalid', topic, { payload: withLongerKid(sign1, signer) }, 'a longer kid')
    }
    const end = signer.sign(topic, 'end')
    assert.equal(await publisher.publish(topic, end), 0)
    await subscriber.waitFor(2)
    assert.equal(subscriber.received.length, 2, 'delivered once')
    assert.deepEqual(subscriber.received[1]?.payload, Buffer.from(end))
    assert.equal((await scene.admin.publishes({ topic })).length, 2, 'recorded once')
    await scene.assertHeld(2)
  })
}

test('a number that was used for something else is refused, and both envelopes go into the chain, once', async (t) => {
  const scene = await AttackScene.open(t)
  const signer = new Signer(numberedKey(131))
  await scene.enroll(signer.key, 'press')
  const reuses = async () =>
    (await scene.admin.records({ include: ['envelope'] })).filter(({ kind }) => kind === 'seq-reuse')
  for (const [i, { version, carrier }] of carriages.entries()) {
    const client = await scene.connect(t, version)
    const made = (text: string, to: string) => {
      const sign1 = signer.sign(to, text, { seq: 100 + i, timeMs: 1 })
      return carry(carrier === 'attached' ? sign1 : withoutPayload(sign1), Buffer.from(text), carrier)
    }
    const accepted = made('close', topic)
    assert.equal(await client.publish(topic, accepted.payload, { qos: 1, ...accepted }), 0)
    // The same key, other content; and again, from elsewhere, and yet another one.
    await scene.refuses(client, 'seq-reuse', topic, made('open', topic))
    await scene.refuses(client, 'seq-reuse', topic, { ...made('open', topic), qos: 2 })
    await scene.refuses(await scene.connect(t, version), 'seq-reuse', 'open/door', made('open the door', 'open/door'))

    // Written behind the refusal.
    await until(async () => (await reuses()).length > i)
    const records = await reuses()
    assert.equal(records.length, i + 1)
    await assertProves(records[i] as RecordJson, signer)
    const topics = [records[i]?.acceptedTopic, records[i]?.topic, records[i]?.seq]
    assert.deepEqual(topics, [topic, topic, 100 + i])
  }
  await scene.assertHeld(carriages.length)
})

/** Both signatures hold, over different contents. */
async function assertProves(
  { acceptedEnvelope, acceptedTopic, refusedEnvelope, topic: refusedTopic }: RecordJson,
  { key }: Signer,
) {
  const evidence = [
    [acceptedEnvelope, acceptedTopic],
    [refusedEnvelope, refusedTopic],
  ] as const
  const payloads: string[] = []
  for (const [envelope = '', signedTopic = ''] of evidence) {
    const sign1 = parseSign1(fromBase64url(envelope))
    await verifySign1(sign1, key, externalAad(signedTopic), nativeCrypto)
    payloads.push(Buffer.from(sign1.payload ?? []).toString())
  }
  assert.deepEqual(payloads, ['close', 'open'])
}
