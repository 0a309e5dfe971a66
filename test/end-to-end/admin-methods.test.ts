import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import {
  decodeRecord,
  fromBase64url,
  nobleCrypto,
  p256ToJwk,
  parseKeyEvent,
  toBase64url,
} from '../../protocol/index.ts'
import { assertFailure, TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { numberedKey, type TestKey } from '../helpers/keys.ts'

const kidOf = (key: TestKey) => toBase64url(key.thumbprint)

async function start(t: TestContext) {
  const running = await startBroker(t)
  return { ...running, admin: await TestAdmin.connect(t, running.port, { clientId: 'auditor' }) }
}

test('what is not a JSON-RPC 2.0 request is answered with parse-error or invalid-request and no id', async (t) => {
  const { admin } = await start(t)
  const invalidUtf8 = Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":"'), Buffer.from([0xff]), Buffer.from('"}')])
  for (const request of ['', '{', 'audit.status', '{"id":1,}', invalidUtf8, '\u0000']) {
    assertFailure(await admin.send(request), 'parse-error', null)
  }
  const request = { jsonrpc: '2.0', id: 1, method: 'audit.status', params: {} }
  const others = ['jsonrpc', 'id', 'method'].map((name) => ({ ...request, [name]: undefined }))
  const invalid = [
    [request],
    [],
    'text',
    1,
    null,
    true,
    {},
    ...others,
    { ...request, jsonrpc: '1.0' },
    { ...request, jsonrpc: 2 },
    { ...request, id: null },
    { ...request, id: {} },
    { ...request, method: 1 },
    { ...request, params: [] },
    { ...request, params: null },
    { ...request, params: 'x' },
  ]
  for (const one of invalid) assertFailure(await admin.send(JSON.stringify(one)), 'invalid-request', null)
  assert.deepEqual((await admin.request('audit.status', {})).refused, {}, 'the publishes themselves were fine')
})

test('a method that does not exist is method-not-found, names of object members included', async (t) => {
  const { admin } = await start(t)
  for (const method of ['', 'audit', 'audit.nothing', 'AUDIT.STATUS', 'constructor', '__proto__', 'toString']) {
    await admin.refuses(method, {}, 'method-not-found')
  }
})

test('every parameter is checked, and one that a method does not know is refused', async (t) => {
  const { admin } = await start(t)
  const jwk = p256ToJwk(numberedKey(1))
  const notIndexes = [-1, 0.5, 2 ** 53, '1', null, true, [], {}]
  const notTexts = [1, null, true, [], {}]
  const notBytes = [...notTexts, 'not base64url!', 'AA==', '+/+/+/+/+/8', 'A'.repeat(44)]
  const notIncludes = ['payload', ['payloads'], [1], null, {}, ['payload', 'topic']]
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const notKeys = [
    undefined,
    ...notTexts,
    'no PEM',
    p384.export({ format: 'jwk' }),
    p384.export({ format: 'pem', type: 'spki' }),
    // A private key is not to be sent around, though the public one could be taken out of it.
    privateKey.export({ format: 'jwk' }),
    privateKey.export({ format: 'pem', type: 'pkcs8' }),
    { ...jwk, y: jwk.x },
    { ...jwk, x: jwk.x.slice(1) },
    { ...jwk, x: `${jwk.x}=` },
    { ...jwk, kty: 'OKP' },
  ]
  const shortKid = toBase64url(new Uint8Array(7))
  const cases: readonly (readonly [method: string, valid: object, name: string, invalid: readonly unknown[]])[] = [
    ['audit.query', {}, 'topic', [...notTexts, '', 'a#', 'a/#/b', 'a+', 'a\u0000']],
    ['audit.query', {}, 'clientId', notTexts],
    ['audit.query', {}, 'kid', [...notBytes, '', shortKid]],
    ['audit.query', {}, 'fromTime', [...notTexts, '', 'now', '2026-02-30T00:00:00Z']],
    ['audit.query', {}, 'toTime', [...notTexts, '2026-02-28']],
    ['audit.query', {}, 'outcome', [...notTexts, '', 'Signed', 'constructor']],
    ['audit.query', {}, 'order', [...notTexts, '', 'newest']],
    ['audit.query', {}, 'fromIndex', notIndexes],
    ['audit.query', {}, 'toIndex', notIndexes],
    ['audit.query', {}, 'limit', [...notIndexes, 0, 1001]],
    ['audit.query', {}, 'include', notIncludes],
    ['audit.query', {}, 'cursor', [...notTexts, 'A'.repeat(257)]],
    ['audit.record', { index: 0 }, 'index', [...notIndexes, undefined]],
    ['audit.record', { index: 0 }, 'include', notIncludes],
    ['audit.verify', {}, 'fromIndex', notIndexes],
    ['audit.verify', {}, 'toIndex', notIndexes],
    ['audit.verify', {}, 'hashesOnly', [0, 'true', null]],
    ['keys.enroll', { key: jwk }, 'key', notKeys],
    ['keys.enroll', { key: jwk }, 'name', [...notTexts, '', 'a'.repeat(256), 'é'.repeat(128), 'a\nb', '\u007f']],
    ['keys.revoke', { kid: kidOf(numberedKey(1)) }, 'kid', [...notBytes, '', undefined]],
    ['keys.revoke', { kid: kidOf(numberedKey(1)) }, 'reason', [...notTexts, 'x'.repeat(1025)]],
  ]
  for (const [method, valid, name, invalid] of cases) {
    for (const value of invalid) await admin.refuses(method, { ...valid, [name]: value }, 'invalid-params')
  }
  for (const method of ['audit.status', 'audit.query', 'audit.verify', 'keys.list']) {
    for (const name of ['filter', 'toString']) await admin.refuses(method, { [name]: 1 }, 'invalid-params')
  }
  await admin.refuses('audit.record', { index: 0, cursor: 'x' }, 'invalid-params')
  await admin.refuses('keys.enroll', { key: jwk, names: 'x' }, 'invalid-params')
  await admin.refuses('keys.revoke', { kid: kidOf(numberedKey(1)), force: true }, 'invalid-params')
  assert.deepEqual((await admin.request('keys.list', {})).keys, [], 'nothing was enrolled')
})

/** What the key records of the chain say, in order. */
const keyEvents = async (admin: TestAdmin) => {
  const records = (await admin.records({ include: ['record'] })).filter(({ kind }) => kind === 'key')
  return records.map(({ record = '', kid, subject, clientId, listener, auth }) => {
    const event = parseKeyEvent(decodeRecord(fromBase64url(record)), nobleCrypto)
    const detail = event.action === 'enroll' ? event.name : event.action === 'revoke' ? event.reason : undefined
    return { action: event.action, detail, kid, subject, clientId, listener, auth }
  })
}

test('keys are enrolled and revoked once, in the chain with the requester; asking again changes nothing', async (t) => {
  const { admin, port } = await start(t)
  const [first, second, third] = [numberedKey(1), numberedKey(2), numberedKey(3)]
  const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'pem', type: 'spki' })
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(await admin.request('keys.enroll', { key: p256ToJwk(first), name: 'pump' }), { kid: kidOf(first) })
  }
  assert.deepEqual(await admin.request('keys.enroll', { key: p256ToJwk(first) }), { kid: kidOf(first) })
  await admin.refuses('keys.enroll', { key: p256ToJwk(first), name: 'valve' }, 'key-exists')
  await admin.refuses('keys.enroll', { key: p256ToJwk(second), name: 'pump' }, 'name-taken')
  const { kid: pemKid } = await admin.request('keys.enroll', { key: String(pem) })
  await admin.request('keys.enroll', { key: p256ToJwk(second), name: 'Ventil "ä"' })

  for (let i = 0; i < 2; i++) {
    const revoked = await admin.request('keys.revoke', { kid: kidOf(first), reason: 'stolen' })
    assert.deepEqual(revoked, { kid: kidOf(first) })
  }
  // A name is given once per log, and a revoked key stays revoked.
  await admin.refuses('keys.enroll', { key: p256ToJwk(first), name: 'pump' }, 'key-exists')
  await admin.refuses('keys.enroll', { key: p256ToJwk(third), name: 'pump' }, 'name-taken')
  await admin.refuses('keys.revoke', { kid: kidOf(third) }, 'not-found')
  const prefix = toBase64url(second.thumbprint.subarray(0, 6))
  assert.deepEqual(await admin.request('keys.revoke', { kid: prefix }), { kid: kidOf(second) })

  const asked = { clientId: 'auditor', listener: `mqtt://127.0.0.1:${port}`, auth: 'none' }
  const pemName = Buffer.from(fromBase64url(pemKid)).subarray(0, 8).toString('hex')
  assert.deepEqual(await keyEvents(admin), [
    { action: 'enroll', detail: 'pump', kid: kidOf(first), subject: 'pump', ...asked },
    { action: 'enroll', detail: pemName, kid: pemKid, subject: pemName, ...asked },
    { action: 'enroll', detail: 'Ventil "ä"', kid: kidOf(second), subject: 'Ventil "ä"', ...asked },
    { action: 'revoke', detail: 'stolen', kid: kidOf(first), subject: 'pump', ...asked },
    { action: 'revoke', detail: undefined, kid: kidOf(second), subject: 'Ventil "ä"', ...asked },
  ])
  const { keys } = await admin.request('keys.list', {})
  assert.deepEqual(
    keys.map(({ kid, name, status, enrolledAt, revokedAt }) => [kid, name, status, enrolledAt, revokedAt]),
    [
      [kidOf(first), 'pump', 'revoked', 1, 4],
      [pemKid, pemName, 'enrolled', 2, undefined],
      [kidOf(second), 'Ventil "ä"', 'revoked', 3, 5],
    ],
  )
  await admin.verifies()
})

test('of two administrators who give one name to two keys at once, exactly one succeeds', async (t) => {
  const { admin, port } = await start(t)
  const admins = [admin, await TestAdmin.connect(t, port)]
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(
      admins.map((one, i) => {
        const params = { key: p256ToJwk(numberedKey(2 * round + i + 1)), name: `pump ${round}` }
        return one.send(JSON.stringify({ jsonrpc: '2.0', id: round, method: 'keys.enroll', params }))
      }),
    )
    const [failure, ...more] = answers.filter((answer) => 'error' in answer)
    assert.ok(failure !== undefined && more.length === 0)
    assertFailure(failure, 'name-taken', round)
  }
  assert.equal((await keyEvents(admin)).length, 10)
})

test('a kid prefix that two keys share is kid-ambiguous, and revokes neither', async (t) => {
  const { admin } = await start(t)
  // Among 30 keys two begin with the same byte nearly always; with these it is always.
  const keys = Array.from({ length: 30 }, (_, i) => numberedKey(i + 1))
  const first = keys.find((key) => keys.some((other) => other !== key && other.thumbprint[0] === key.thumbprint[0]))
  for (const key of keys) await admin.request('keys.enroll', { key: p256ToJwk(key) })
  await admin.refuses(
    'keys.revoke',
    { kid: toBase64url((first as TestKey).thumbprint.subarray(0, 1)) },
    'kid-ambiguous',
  )
  assert.ok((await admin.request('keys.list', {})).keys.every(({ status }) => status === 'enrolled'))
})
