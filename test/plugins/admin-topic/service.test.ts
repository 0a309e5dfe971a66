import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminService, AuditChain, PluginError, PublishCounters } from '../../../plugins/index.ts'
import { type JsonRpcResponse, p256ToJwk } from '../../../protocol/index.ts'
import { administrator } from '../../helpers/admin-rights.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

function request(method: string, params: object = {}): Uint8Array {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }))
}

function rethrow(error: unknown): never {
  throw error
}

function causeOf(response: JsonRpcResponse): string | undefined {
  return 'error' in response ? response.error.data?.cause : undefined
}

test('what goes wrong inside is internal-error for the requester, and told in full to the log', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  const service = new AdminService({ chain, counters: new PublishCounters(), sinceMs: 0 })
  await chain.close()
  const errors: unknown[] = []
  const response = await service.answer(request('audit.query'), { auth: 'none' }, administrator, (error) =>
    errors.push(error),
  )
  assert.equal(causeOf(response), 'internal-error')
  assert.equal(response.id, 7)
  assert.equal(errors.length, 1)
  assert.doesNotMatch(JSON.stringify(response), /LEVEL/, 'nothing of the inside leaks')
})

test('the ninth request at a time is too-busy; the ones before it are answered', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  const service = new AdminService({ chain, counters: new PublishCounters(), sinceMs: 0 })
  const answers = await Promise.all(
    Array.from({ length: 9 }, () => service.answer(request('audit.query'), { auth: 'none' }, administrator, rethrow)),
  )
  assert.deepEqual(answers.map(causeOf), [...Array(8).fill(undefined), 'too-busy'])
  assert.equal(
    causeOf(await service.answer(request('audit.verify'), { auth: 'none' }, administrator, rethrow)),
    undefined,
  )
  await chain.close()
})

test('of those who are no administrators, four are answered at a time, which leaves room for those who are', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  const service = new AdminService({ chain, counters: new PublishCounters(), sinceMs: 0 })
  const ann = { username: 'ann', auth: 'password' } as const
  const own = { ...administrator, isAdministrator: false }
  const asked = Array.from({ length: 5 }, () => service.answer(request('audit.query'), ann, own, rethrow))
  const status = service.answer(request('audit.status'), { auth: 'none' }, administrator, rethrow)
  assert.deepEqual((await Promise.all(asked)).map(causeOf), [...Array(4).fill(undefined), 'too-busy'])
  assert.equal(causeOf(await status), undefined)
  await chain.close()
})

test('one verification runs at a time; the next one is too-busy until it has ended', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  const service = new AdminService({ chain, counters: new PublishCounters(), sinceMs: 0 })
  const verify = () => service.answer(request('audit.verify'), { auth: 'none' }, administrator, rethrow)
  const answers = await Promise.all([verify(), verify()])
  assert.deepEqual(answers.map(causeOf), [undefined, 'too-busy'])
  assert.equal(causeOf(await verify()), undefined)
  await chain.close()
})

test('a verification whose requester is gone is stopped, and the next one may run', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  const service = new AdminService({ chain, counters: new PublishCounters(), sinceMs: 0 })
  const ask = (signal?: AbortSignal) =>
    service.answer(request('audit.verify'), { auth: 'none' }, administrator, rethrow, signal && { signal })
  assert.equal(causeOf(await ask(AbortSignal.abort())), 'stopped')
  assert.equal(causeOf(await ask()), undefined)
  await chain.close()
})

test('a request of more than 64 KiB is refused without being read', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  const service = new AdminService({ chain, counters: new PublishCounters(), sinceMs: 0 })
  const long = request('audit.query', { clientId: 'x'.repeat(65_536) })
  assert.equal(causeOf(await service.answer(long, { auth: 'none' }, administrator, rethrow)), 'invalid-request')
  await chain.close()
})

const tellable = {
  ERR_KEY_KID_COLLISION: 'kid-collision',
  ERR_KEY_NAME_TAKEN: 'name-taken',
  ERR_KEY_EXISTS: 'key-exists',
  ERR_KEY_RESERVED: 'invalid-params',
  ERR_KEY_NAME_INVALID: 'invalid-params',
  ERR_KEY_RESTRICTIONS: 'invalid-params',
  ERR_KEY_PROOF: 'invalid-params',
  ERR_KEY_REVOKED: 'key-revoked',
} as const

for (const [code, cause] of Object.entries(tellable)) {
  test(`the registry's ${code} is ${cause} for the requester`, async (t) => {
    const chain = await AuditChain.open({ location: temporaryDirectory(t) })
    // Two keys with the same first 8 bytes of thumbprint cannot be had for a test, so the refusal itself is given.
    chain.enroll = () => Promise.reject(new PluginError(code as keyof typeof tellable, 'refused'))
    const service = new AdminService({ chain, counters: new PublishCounters(), sinceMs: 0 })
    const enroll = request('keys.enroll', { key: p256ToJwk(numberedKey(62)) })
    assert.equal(causeOf(await service.answer(enroll, { auth: 'none' }, administrator, rethrow)), cause)
    await chain.close()
  })
}

test('a kid prefix that two keys have is kid-ambiguous', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  const service = new AdminService({ chain, counters: new PublishCounters(), sinceMs: 0 })
  // Among 257 keys, two begin with the same byte.
  const firstBytes = new Set<number>()
  let shared: number | undefined
  for (let n = 0; shared === undefined; n++) {
    const { thumbprint } = await chain.enroll(numberedKey(100 + n))
    const first = thumbprint[0] as number
    if (firstBytes.has(first)) shared = first
    firstBytes.add(first)
  }
  const revoke = request('keys.revoke', { kid: Buffer.from([shared]).toString('base64url') })
  assert.equal(causeOf(await service.answer(revoke, { auth: 'none' }, administrator, rethrow)), 'kid-ambiguous')
  await chain.close()
})
