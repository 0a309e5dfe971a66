import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestAdmin } from '../helpers/admin.ts'
import { hasChromium } from '../helpers/chromium.ts'
import { DirectionParties, kinds } from '../helpers/direction-parties.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { flip } from '../helpers/tampering.ts'
import { hasPython } from '../helpers/tools.ts'

/** From its end: the signature, its length, and then the last byte of the ciphertext. */
const lastOfPayload = -(64 + 2 + 1)

test('Node, Python and Chromium exchange messages in all nine directions', async (t) => {
  if (!hasPython(t) || !hasChromium(t)) return
  const parties = await DirectionParties.open(t)
  const { port } = parties.running
  const admin = await TestAdmin.connect(t, port)
  const relay = await TestClient.connect(t, port)
  await relay.subscribe('open/#')

  for (const to of kinds) {
    await t.test(`to ${to}`, async (t) => {
      const subscriber = await parties.subscriber(t, to)
      for (const from of kinds) {
        await t.test(`what ${from} signs, MACs and encrypts, ${to} reads, and knows who signed it`, async () => {
          const [topic, text] = [`plant/${from}/${to}`, `the recipe of ${from} for ${to}`]
          await parties.publish(from, topic, text)
          const heard = await subscriber.first(topic)
          assert.deepEqual(heard, { text, subject: from, kid: parties.kidOf(from), encrypted: true })
          const [record, ...more] = await admin.publishes({ topic, include: ['payload'] })
          assert.deepEqual([record?.outcome, record?.subject, record?.mac, more], ['signed', from, true, []])
          assert.ok(record?.payload !== undefined && !Buffer.from(record.payload, 'base64url').includes('recipe'))
        })

        await t.test(`what ${from} signs and somebody alters, ${to} does not believe`, async () => {
          const [topic, text] = [`open/${from}/${to}`, `the recipe of ${from} for ${to}`]
          const visitor = `${from}-visitor` as const
          await parties.publish(visitor, topic, text)
          const heard = await subscriber.first(topic)
          assert.deepEqual(heard, { text, subject: visitor, kid: parties.kidOf(visitor), encrypted: true })
          const [genuine] = await relay.waitFor(1, (message) => message.topic === topic)
          const altered = Uint8Array.from(genuine?.payload ?? assert.fail('nothing to alter'))
          flip(altered, lastOfPayload)
          assert.equal(await relay.publish(topic, altered), 0)
          const { unverified, ...rest } = await subscriber.unverified(topic)
          assert.deepEqual(rest, { text: '', encrypted: true, undecrypted: 'not-authentic' })
          assert.equal(unverified, 'signature-invalid')
        })
      }
    })
  }

  await t.test('Node and Chromium agree on a pairwise key and give each other topic keys over the broker', async () => {
    for (const party of ['node', 'chromium']) await parties.sdk(party).agreed()
    for (const [from, to] of [
      ['node', 'chromium'],
      ['chromium', 'node'],
    ] as const) {
      for (const topic of [`pair/by/${from}`, `topic/${from}/by/${from}`, `topic/${to}/by/${from}`]) {
        const text = `the recipe of ${from} on ${topic}`
        await parties.publish(from, topic, text)
        const heard = await parties.sdk(to).heard(topic, 1)
        assert.deepEqual(heard, { text, subject: from, kid: parties.kidOf(from), encrypted: true })
        const [record] = await admin.publishes({ topic, include: ['payload'] })
        assert.ok(record?.payload !== undefined && !Buffer.from(record.payload, 'base64url').includes('recipe'))
      }
    }
    const told = await Promise.all(['node', 'chromium'].map((party) => parties.sdk(party).topics()))
    // Key messages are between the ciphers.
    assert.deepEqual(
      told.flat().filter((topic) => !/^(pair|topic)\//.test(topic)),
      [],
    )
  })

  assert.deepEqual(await parties.errors(), [])
})
