import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { nativeCrypto } from '../../plugins/index.ts'
import {
  externalAad,
  fromBase64url,
  type P256Jwk,
  parseSign1,
  publishProtectedHeaders,
  type RefusalCause,
  signPublish,
  sigStructure,
  thumbprintOfP256,
  toBase64url,
} from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { pythonJson, runPython } from '../helpers/python.ts'
import { sha256Base64url } from '../helpers/signing.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { hasPython } from '../helpers/tools.ts'

const topic = 'plant/1/valve'
const payload = '{"open":true}'
const protect = [{ filter: 'plant/#', signed: true }] as const
/** Every bit is flipped on one connection. */
const anyNumber = { failureBudget: { burst: 0, perSecond: 1 } } as const

/** A device whose private key only Python uses, and what was signed with it. */
async function signedInPython(t: TestContext, signed: { seq: number; timeMs: number; topic?: string }) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const directory = temporaryDirectory(t)
  const keyFile = join(directory, 'device.pem')
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  const { d = '', ...jwk } = privateKey.export({ format: 'jwk' })
  const key = { d: fromBase64url(d), x: fromBase64url(jwk.x ?? ''), y: fromBase64url(jwk.y ?? '') }
  const number = ['--seq', `${signed.seq}`, '--time', `${signed.timeMs}`]
  const args = ['sign_publish.py', '--key', keyFile, '--topic', signed.topic ?? topic, ...number, '--payload', payload]
  const { code, stdout, stderr } = await runPython(t, args)
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  const envelope = Buffer.from(stdout.trim(), 'hex')
  return { jwk: jwk as P256Jwk, key, keyFile, envelope, thumbprint: thumbprintOfP256(key, nativeCrypto) }
}

/** Where the parts of the envelope lie: 29 bytes of protected headers with a seq of one byte, the payload, 64 bytes. */
const parts = {
  tag: [0, 1],
  kid: [9, 17],
  payload: [35, 35 + payload.length],
  signature: [37 + payload.length, 101 + payload.length],
} as const

/** Every copy of the envelope in which one bit of the bytes from `from` to below `to` differs. */
function flipped(envelope: Uint8Array, from: number, to: number): { topic: string; payload: Uint8Array }[] {
  return Array.from({ length: 8 * (to - from) }, (_, bit) => {
    const copy = Uint8Array.from(envelope)
    const at = from + (bit >> 3)
    copy[at] = (copy[at] as number) ^ (1 << (bit & 7))
    return { topic, payload: copy }
  })
}

test('the Python implementation passes its own tests', async (t) => {
  if (!hasPython(t)) return
  const { code, stderr } = await runPython(t, ['-m', 'unittest', 'test_notary_envelope'])
  assert.equal(code, 0, stderr)
  assert.match(stderr, /^Ran [1-9][0-9]* tests/m)
})

test('what Python signs is, but for the signature, byte for byte what signPublish makes', async (t) => {
  if (!hasPython(t)) return
  for (const { seq, timeMs } of [
    { seq: 0, timeMs: 0 },
    { seq: 24, timeMs: 1_767_225_600_000 },
    { seq: 65_536, timeMs: 2 ** 32 },
    { seq: Number.MAX_SAFE_INTEGER, timeMs: Number.MAX_SAFE_INTEGER },
  ]) {
    const name = 'Straße/温度/1'
    const { key, keyFile, envelope, thumbprint } = await signedInPython(t, { seq, timeMs, topic: name })
    const ours = signPublish(key, thumbprint, { topic: name, payload: Buffer.from(payload), seq, timeMs }, nativeCrypto)
    assert.deepEqual(envelope.subarray(0, -64), Buffer.from(ours).subarray(0, -64))

    const { protectedBytes, signature } = parseSign1(envelope)
    const kid = thumbprint.subarray(0, 8)
    assert.deepEqual(Buffer.from(protectedBytes), Buffer.from(publishProtectedHeaders(kid, seq, timeMs)))
    const toBeSigned = sigStructure(protectedBytes, externalAad(name), Buffer.from(payload))
    assert.ok(await nativeCrypto.verifyP256(key, toBeSigned, signature))
    const script = `
import sys; from notary_envelope import *
key = load_private_key(open(sys.argv[1], "rb").read())
protected = encode_protected(kid_of(key), int(sys.argv[2]), int(sys.argv[3]))
print(sig_structure(protected, sys.argv[4], sys.argv[5].encode()).hex())`
    const theirs = await runPython(t, ['-c', script, keyFile, `${seq}`, `${timeMs}`, name, payload])
    assert.equal(theirs.stdout.trim(), Buffer.from(toBeSigned).toString('hex'), theirs.stderr)
  }
})

test('Python verifies an envelope of signPublish, and refuses it for another topic', async (t) => {
  if (!hasPython(t)) return
  const { key, thumbprint } = await signedInPython(t, { seq: 1, timeMs: 1 })
  const signed = { topic, payload: Buffer.from(payload), seq: 7, timeMs: 1_767_225_600_000 }
  const hex = Buffer.from(signPublish(key, thumbprint, signed, nativeCrypto)).toString('hex')
  const publicFile = join(temporaryDirectory(t), 'device.pub.pem')
  const x = Buffer.from(key.x).toString('hex')
  const spki = `3059301306072a8648ce3d020106082a8648ce3d03010703420004${x}${Buffer.from(key.y).toString('hex')}`
  const base64 = Buffer.from(spki, 'hex').toString('base64')
  writeFileSync(publicFile, `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`)
  const verify = (name: string) => ['verify_publish.py', '--public-key', publicFile, '--topic', name, '--hex', hex]
  assert.deepEqual(await pythonJson(t, verify(topic)), [
    {
      seq: 7,
      time: 1_767_225_600_000,
      kid: Buffer.from(thumbprint.subarray(0, 8)).toString('hex'),
      payloadHex: Buffer.from(payload).toString('hex'),
    },
  ])
  const moved = await runPython(t, verify('plant/2/valve'))
  assert.equal(moved.code, 1)
  assert.match(moved.stderr, /^SignatureInvalid: /)
})

test('a signed topic takes the envelope from Python, and refuses it with any bit flipped or moved to another topic', async (t) => {
  if (!hasPython(t)) return
  const timeMs = Date.now()
  const device = await signedInPython(t, { seq: 1, timeMs })
  const { port } = await startBroker(t, { protect, ...anyNumber })
  const admin = await TestAdmin.connect(t, port)
  const kid = toBase64url(device.thumbprint)
  assert.deepEqual(await admin.request('keys.enroll', { key: device.jwk, name: 'python device' }), { kid })
  const client = await TestClient.connect(t, port, { protocolVersion: 5 })

  /** Refusals by cause since the last look. */
  let before: Partial<Record<RefusalCause, number>> = {}
  const newRefusals = async () => {
    const { refused } = await admin.request('audit.status', {})
    const counts = Object.entries(refused).map(
      ([cause, n]) => [cause, n - (before[cause as RefusalCause] ?? 0)] as const,
    )
    before = refused
    return Object.fromEntries(counts.filter(([, n]) => n > 0))
  }
  const causes = { tag: 'not-signed', kid: 'unknown-key', payload: 'signature-invalid', signature: 'signature-invalid' }
  for (const [part, cause] of Object.entries(causes)) {
    const [from, to] = parts[part as keyof typeof parts]
    const publishes = flipped(device.envelope, from, to)
    assert.deepEqual(new Set(await client.publishAll(publishes)), new Set([0x87]), part)
    assert.deepEqual(await newRefusals(), { [cause]: publishes.length }, part)
  }
  const everywhere = flipped(device.envelope, 0, device.envelope.length)
  const codes = await client.publishAll(everywhere)
  assert.deepEqual(codes, new Array(everywhere.length).fill(0x87))
  const refusals = Object.values(await newRefusals())
  assert.equal(
    refusals.reduce((sum, n) => sum + n, 0),
    everywhere.length,
  )
  assert.equal(await client.publish('plant/2/valve', device.envelope), 0x87)
  assert.deepEqual(await newRefusals(), { 'signature-invalid': 1 })
  assert.deepEqual(await admin.publishes(), [], 'nothing refused is recorded')

  // None of that used up its sequence number.
  assert.equal(await client.publish(topic, device.envelope), 0)
  const [record, ...more] = await admin.publishes({ include: ['payload', 'envelope'] })
  assert.deepEqual(more, [])
  assert.equal(record?.topic, topic)
  assert.equal(record.clientId, client.id)
  assert.deepEqual([record.outcome, record.subject, record.kid, record.seq], ['signed', 'python device', kid, 1])
  assert.equal(record.signedTime, new Date(timeMs).toISOString())
  assert.equal(record.payload, toBase64url(Buffer.from(payload)))
  assert.equal(record.payloadSha256, sha256Base64url(payload))
  await admin.verifies(1)
})

test('elsewhere a flipped bit makes the envelope opaque or is refused, and is never recorded as signed', async (t) => {
  if (!hasPython(t)) return
  const device = await signedInPython(t, { seq: 1, timeMs: Date.now() })
  const { port } = await startBroker(t, anyNumber)
  const admin = await TestAdmin.connect(t, port)
  await admin.request('keys.enroll', { key: device.jwk, name: 'python device' })
  const client = await TestClient.connect(t, port, { protocolVersion: 5 })
  const publishPart = async ([from, to]: readonly [number, number]) => {
    const fromIndex = (await admin.request('audit.status', {})).treeSize
    const publishes = flipped(device.envelope, from, to)
    const codes = new Set(await client.publishAll(publishes))
    return {
      codes,
      hashes: publishes.map((one) => sha256Base64url(one.payload)),
      records: await admin.publishes({ fromIndex }),
    }
  }
  for (const [part, outcome] of [
    ['tag', 'unsigned'],
    ['kid', 'unknown-key'],
  ] as const) {
    const { codes, hashes, records } = await publishPart(parts[part])
    assert.deepEqual(codes, new Set([0]), part)
    // Opaque: the payload is the whole envelope as it came, and no key is named for it.
    assert.deepEqual(
      records.map((record) => [record.outcome, record.kid, record.payloadSha256]),
      hashes.map((hash) => [outcome, undefined, hash]),
    )
  }
  for (const part of ['payload', 'signature'] as const) {
    const { codes, records } = await publishPart(parts[part])
    assert.deepEqual([codes, records], [new Set([0x87]), []], part)
  }
  const { records } = await publishPart([0, device.envelope.length])
  assert.deepEqual(new Set(records.map(({ outcome }) => outcome)), new Set(['unsigned', 'unknown-key']))
  await admin.verifies(0)
})

test('paho-mqtt signs and publishes with MQTT 3.1, 3.1.1 and 5', async (t) => {
  if (!hasPython(t)) return
  const device = await signedInPython(t, { seq: 0, timeMs: 0 })
  const { port } = await startBroker(t, { protect, ...anyNumber })
  const admin = await TestAdmin.connect(t, port)
  await admin.request('keys.enroll', { key: device.jwk, name: 'python device' })
  for (const [i, protocol] of [3, 4, 5].entries()) {
    const connection = ['--port', `${port}`, '--client-id', `paho-${protocol}`, '--protocol', `${protocol}`]
    const message = ['--key', device.keyFile, '--seq', `${i + 1}`, '--topic', topic, '--qos', '2', '--payload', payload]
    await pythonJson(t, ['paho_client.py', 'sign-and-publish', ...connection, ...message])
  }
  const records = await admin.publishes({ kid: toBase64url(device.thumbprint.subarray(0, 8)) })
  assert.deepEqual(
    records.map(({ clientId, outcome, seq, payloadSha256 }) => [clientId, outcome, seq, payloadSha256]),
    [3, 4, 5].map((protocol, i) => [`paho-${protocol}`, 'signed', i + 1, sha256Base64url(payload)]),
  )
  await admin.verifies(3)
})
