import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { alarmTopic, p256ToJwk, parseSign1, toBase64url } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { numberedKey } from '../helpers/keys.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { passwordLine } from '../helpers/passwords.ts'
import { Signer } from '../helpers/signing.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const topic = 'plant/1'

test('a key that signs two contents under one number raises the alarm once, with a record of both envelopes', async (t) => {
  const { port } = await startBroker(t)
  const admin = await TestAdmin.connect(t, port)
  const signer = new Signer(numberedKey(1))
  await admin.request('keys.enroll', { key: p256ToJwk(signer.key), name: 'press' })
  assert.equal(await admin.client.subscribe(alarmTopic, 0), 0)
  const client = await TestClient.connect(t, port, { clientId: 'thief' })
  const [open, shut] = [signer.sign(topic, 'open', { seq: 7 }), signer.sign(topic, 'shut', { seq: 7 })]
  assert.equal(await client.publish(topic, open), 0)
  for (let again = 0; again < 3; again++) assert.equal(await client.publish(topic, shut), 0x87)
  const isAlarm = (message: { topic: string }) => message.topic === alarmTopic
  const [alarm] = await admin.client.waitFor(1, isAlarm)
  const { index, ...rest } = JSON.parse(`${alarm?.payload}`)
  const kid = toBase64url(signer.key.thumbprint)
  assert.deepEqual(rest, {
    kind: 'seq-reuse',
    acceptedIndex: 2,
    kid,
    subject: 'press',
    seq: 7,
    topic,
    clientId: 'thief',
  })
  const records = (await admin.records({ include: ['envelope'] })).filter(({ kind }) => kind === 'seq-reuse')
  assert.deepEqual(
    records.map((record) => [record.index, record.seq, record.acceptedIndex]),
    [[index, 7, 2]],
  )
  const [record] = records
  for (const [envelope, payload] of [
    [record?.acceptedEnvelope, 'open'],
    [record?.refusedEnvelope, 'shut'],
  ]) {
    const sign1 = parseSign1(Buffer.from(envelope ?? '', 'base64url'))
    assert.equal(Buffer.from(sign1.payload ?? []).toString(), payload)
  }
  assert.equal(admin.client.received.filter(isAlarm).length, 1)
  assert.equal((await admin.request('audit.verify', {})).ok, true)
})

test('alarms are for administrators', async (t) => {
  const passwordFile = join(temporaryDirectory(t), 'passwords')
  writeFileSync(passwordFile, `${passwordLine('ann', 'apple')}\n${passwordLine('bob', 'banana')}\n`)
  const { port } = await startBroker(t, { passwordFile, allowAnonymous: true, anonymousAdmin: false, admins: ['ann'] })
  const ann = await TestClient.connect(t, port, { username: 'ann', password: 'apple' })
  const bob = await TestClient.connect(t, port, { username: 'bob', password: 'banana' })
  const stranger = await TestClient.connect(t, port)
  assert.equal(await ann.subscribe(alarmTopic, 0), 0)
  assert.equal(await bob.subscribe(alarmTopic, 0), 0x87)
  assert.equal(await stranger.subscribe(alarmTopic, 0), 0x87)
  assert.equal(await ann.subscribe('$notary/#', 0), 0x87)
})
