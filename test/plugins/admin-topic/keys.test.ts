import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  AdminService,
  AuditChain,
  ConfigRecorder,
  nativeCrypto,
  PublishCounters,
  verifyStore,
} from '../../../plugins/index.ts'
import {
  type AuditGapsResult,
  coseKeyOfP256,
  encodeCbor,
  type JsonRpcResponse,
  type KeyJson,
  p256ToJwk,
  type RecordJson,
  signProofOfPossession,
  signPublish,
  toBase64url,
} from '../../../protocol/index.ts'
import { administrator } from '../../helpers/admin-rights.ts'
import { signedPublish, startMs } from '../../helpers/golden-chain.ts'
import { numberedKey, publicOf, type TestKey } from '../../helpers/keys.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const [one, two] = [numberedKey(71), numberedKey(72)] as const
const kidOf = ({ thumbprint }: TestKey) => toBase64url(thumbprint)

/** An admin service on a new chain. */
async function service(t: TestContext) {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  const admin = new AdminService({ chain, counters: new PublishCounters(), sinceMs: 0 })
  const answer = (method: string, params: object): Promise<JsonRpcResponse> => {
    const request = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
    return admin.answer(request, { clientId: 'admin', auth: 'none' }, administrator, (error) => {
      throw error
    })
  }
  const ask = async <T>(method: string, params: object = {}): Promise<T> => {
    const response = await answer(method, params)
    assert.ok('result' in response, JSON.stringify(response))
    return response.result as T
  }
  const refuses = async (method: string, params: object, cause: string) => {
    const response = await answer(method, params)
    assert.equal('error' in response ? response.error.data?.cause : undefined, cause, JSON.stringify(params))
  }
  return { chain, ask, refuses }
}

test('a key is enrolled from JWK, PEM-like text and COSE_Key alike, with restrictions and proof', async (t) => {
  const { chain, ask, refuses } = await service(t)
  const restrictions = { topics: ['plant/#'], clock: 'none', window: 64 }
  const proof = toBase64url(signProofOfPossession(one, chain.genesis.origin, nativeCrypto))
  const wanted = { key: p256ToJwk(one), name: 'one', restrictions, proof }
  for (let i = 0; i < 2; i++) assert.deepEqual(await ask('keys.enroll', wanted), { kid: kidOf(one) })
  const coseKey = toBase64url(encodeCbor(coseKeyOfP256(two)))
  assert.deepEqual(await ask('keys.enroll', { key: coseKey }), { kid: kidOf(two) })
  assert.deepEqual(await ask('keys.enroll', { key: JSON.stringify(p256ToJwk(two)) }), { kid: kidOf(two) })
  const key = await ask<KeyJson>('keys.get', { kid: kidOf(one).slice(0, 12) })
  assert.deepEqual([key.name, key.status, key.restrictions], ['one', 'enrolled', restrictions])
  assert.equal(chain.state.frontier.size, 3)
  const bad = toBase64url(signProofOfPossession(numberedKey(73), chain.genesis.origin, nativeCrypto))
  await refuses('keys.enroll', { key: p256ToJwk(numberedKey(74)), proof: bad }, 'invalid-params')
  for (const wrong of [
    { window: 1 },
    { window: '64' },
    { topics: 'x' },
    { clock: 'sundial' },
    { gateway: false },
    { x: 1 },
    [],
  ]) {
    await refuses('keys.enroll', { key: p256ToJwk(numberedKey(74)), restrictions: wrong }, 'invalid-params')
  }
  await refuses('keys.enroll', { key: p256ToJwk(numberedKey(74)), overlap: 1 }, 'invalid-params')
  await refuses('keys.get', { kid: kidOf(numberedKey(74)) }, 'not-found')
  assert.equal((await verifyStore({ store: chain.store })).ok, true)
  await chain.close()
})

test('a key that replaces another takes its restrictions, and the old one stays valid for the overlap', async (t) => {
  const { chain, ask } = await service(t)
  await ask('keys.enroll', { key: p256ToJwk(one), name: 'one', restrictions: { clients: ['press-*'] } })
  const rotation = { key: p256ToJwk(two), name: 'two', replaces: kidOf(one), overlap: 1 }
  for (let i = 0; i < 2; i++) await ask('keys.enroll', rotation)
  assert.equal(chain.state.frontier.size, 4, 'asking again recorded nothing')
  const list = async () => (await ask<{ keys: KeyJson[] }>('keys.list')).keys
  const [old, next] = await list()
  assert.deepEqual([old?.status, old?.lastIndex], ['retiring', 4])
  assert.deepEqual([next?.replaces, next?.restrictions], [kidOf(one), { clients: ['press-*'] }])
  await (await ConfigRecorder.open(chain)).record(() => new Uint8Array(32), 'reload')
  assert.equal((await list())[0]?.status, 'retired')
  const { records } = await ask<{ records: RecordJson[] }>('audit.query', {})
  assert.deepEqual(
    records.map(({ kind, action, lastIndex, occasion }) => [kind, action, lastIndex, occasion]),
    [
      ['genesis', undefined, undefined, undefined],
      ['key', 'enroll', undefined, undefined],
      ['key', 'enroll', undefined, undefined],
      ['key', 'retire', 4, undefined],
      ['config', undefined, undefined, 'reload'],
    ],
  )
  await chain.close()
})

test('restrictions are replaced as a whole, a key is retired once, a revoked one neither', async (t) => {
  const { chain, ask, refuses } = await service(t)
  await ask('keys.enroll', { key: p256ToJwk(one), restrictions: { window: 64 } })
  const kid = kidOf(one)
  for (let i = 0; i < 2; i++) await ask('keys.restrict', { kid, restrictions: { topics: ['a'] } })
  assert.deepEqual((await ask<KeyJson>('keys.get', { kid })).restrictions, { topics: ['a'] })
  await ask('keys.restrict', { kid, restrictions: {} })
  assert.equal((await ask<KeyJson>('keys.get', { kid })).restrictions, undefined)
  for (let i = 0; i < 2; i++) await ask('keys.retire', { kid })
  await ask('keys.revoke', { kid })
  await refuses('keys.restrict', { kid, restrictions: { topics: ['a'] } }, 'key-revoked')
  await refuses('keys.restrict', { kid }, 'invalid-params')
  assert.equal(chain.state.frontier.size, 6)
  await chain.close()
})

test('gaps are the numbers between the lowest and the highest that are not in the chain, page by page', async (t) => {
  const { chain, ask, refuses } = await service(t)
  await chain.enroll(publicOf(one), 'one')
  const kid = kidOf(one)
  assert.deepEqual(await ask('audit.gaps', { kid }), { highest: null, missing: [], cursor: null })
  const publish = (seq: number, outcome: 'signed' | 'will') => {
    const message = { topic: 'a', payload: new Uint8Array(1), seq, timeMs: startMs }
    const envelope = signPublish(one, one.thumbprint, message, nativeCrypto)
    chain.submit({
      bytes: 1,
      decide: (index, timeMs) => {
        const entry = signedPublish(envelope, 'a', one.thumbprint, timeMs, nativeCrypto, { outcome })
        assert.ok(chain.registry.enter(entry.record, index))
        return entry
      },
      settle: () => {},
    })
  }
  for (const seq of [12, 10, 11, 20, 15, 1000, 1_000_000, 999_990]) publish(seq, 'signed')
  publish(13, 'will')
  await chain.drained()
  const all = [
    [14, 14],
    [16, 19],
    [21, 999],
    [1001, 999_989],
    [999_991, 999_999],
  ]
  assert.deepEqual(await ask('audit.gaps', { kid }), { highest: 1_000_000, missing: all, cursor: null })
  const paged: unknown[] = []
  let cursor: number | null | undefined
  while (cursor !== null) {
    const page: AuditGapsResult = await ask('audit.gaps', {
      kid,
      limit: 2,
      ...(cursor === undefined ? undefined : { cursor }),
    })
    paged.push(...page.missing)
    cursor = page.cursor
  }
  assert.deepEqual(paged, all)
  const part = await ask<AuditGapsResult>('audit.gaps', { kid, fromSeq: 5, toSeq: 17 })
  assert.deepEqual(part.missing, [
    [5, 9],
    [14, 14],
    [16, 17],
  ])
  await refuses('audit.gaps', {}, 'invalid-params')
  await refuses('audit.gaps', { kid: kidOf(two) }, 'not-found')
  await chain.close()
})
