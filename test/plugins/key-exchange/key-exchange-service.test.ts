import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nativeCrypto, verifyStore } from '../../../plugins/index.ts'
import {
  bytesEqual,
  coseKeyOfP256,
  decodeBlock,
  decodeRecord,
  encodeCbor,
  externalAad,
  parseSession,
  publishProtectedHeaders,
  requestTopic,
  signSign1,
  startKeyExchange,
} from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { anonymous, causeOf, ExchangeBench, responseOf } from '../../helpers/exchange-bench.ts'
import { numberedKey } from '../../helpers/keys.ts'

const device = numberedKey(11)
const other = numberedKey(12)
const keys = { device, other }

/** A request whose payload is what the test wants, signed properly. */
function signedRequest(payload: Uint8Array, seq: number, timeMs: number): Uint8Array {
  const headers = publishProtectedHeaders(device.thumbprint.subarray(0, 8), seq, timeMs)
  return signSign1(device, headers, externalAad(requestTopic.keyExchange), payload, nativeCrypto)
}

test('both sides have the same key, and a session record says who agreed on it', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const connection = bench.service.connect('press-7')
  const pending = bench.request(device, 'press-7', 5)
  const response = responseOf(await bench.answer(pending.message, 'press-7', connection))
  const client = await pending.finish(response, bench.brokerKey)
  const session = connection.sessions.find(client.sid)
  assert.deepEqual(Buffer.from(session?.key ?? []), Buffer.from(client.key))
  assert.deepEqual([client.response.highestSeq, client.response.brokerTimeMs], [5, bench.clock.nowMs])
  assert.equal(client.response.expiryMs, bench.clock.nowMs + 3_600_000)

  const { record } = await lastRecord(bench)
  const recorded = parseSession(record)
  assert.deepEqual(Buffer.from(recorded.request), Buffer.from(pending.message))
  assert.deepEqual(Buffer.from(recorded.sid), Buffer.from(client.sid))
  assert.ok(bytesEqual(recorded.responseDigest, nativeCrypto.sha256(response)))
  assert.deepEqual([recorded.seq, record.clientId, record.auth], [5, 'press-7', 'none'])
  assert.deepEqual(bench.errors, [])
})

test('the same request again gets the same answer, without another look at its signature', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const connection = bench.service.connect('press-7')
  const { message } = bench.request(device, 'press-7', 1)
  const first = responseOf(await bench.answer(message, 'press-7', connection))
  const size = bench.chain.state.frontier.size
  assert.deepEqual(responseOf(await bench.answer(message, 'press-7', connection)), first)
  assert.equal(bench.chain.state.frontier.size, size)
  assert.equal(bench.verifications, 1)
})

test('two copies of a request at once get one session and one record', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const connection = bench.service.connect('press-7')
  const { message } = bench.request(device, 'press-7', 1)
  const size = bench.chain.state.frontier.size
  const answers = await Promise.all([1, 2].map(() => bench.answer(message, 'press-7', connection)))
  const [first, second] = answers.map(responseOf)
  assert.deepEqual(first, second)
  assert.equal(bench.chain.state.frontier.size, size + 1)
})

test('a request replayed on another connection gets nothing, nor after its session is over', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const connection = bench.service.connect('press-7')
  const { message } = bench.request(device, 'press-7', 1)
  responseOf(await bench.answer(message, 'press-7', connection))
  const thief = bench.service.connect('press-7')
  assert.equal(causeOf(await bench.answer(message, 'press-7', thief)), 'mac-session-unknown')
  connection.sessions.close()
  assert.equal(causeOf(await bench.answer(message, 'press-7', connection)), 'mac-session-unknown')
})

test('another request under the same sequence number is refused', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const connection = bench.service.connect('press-7')
  responseOf(await bench.answer(bench.request(device, 'press-7', 3).message, 'press-7', connection))
  assert.equal(
    causeOf(await bench.answer(bench.request(device, 'press-7', 3).message, 'press-7', connection)),
    'seq-reuse',
  )
})

test('what is wrong with a request is said before its signature is looked at', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const { clock } = bench
  const stranger = numberedKey(13)
  await bench.restrict(other, { clients: ['robot-*'] })
  const signer = { key: device, thumbprint: device.thumbprint }
  const start = { clientId: 'press-7', seq: 9, timeMs: clock.nowMs }
  const brokerThumbprint = stranger.thumbprint
  const cases: readonly [string, Uint8Array][] = [
    ['request-malformed', Buffer.from('hello')],
    ['request-malformed', new Uint8Array(5000)],
    ['unknown-key', bench.request(stranger, 'press-7', 9).message],
    ['exchange-not-for-us', bench.request(device, 'press-8', 9).message],
    ['exchange-not-for-us', startKeyExchange(signer, { ...start, brokerThumbprint }, nativeCrypto).message],
    ['key-restricted', bench.request(other, 'press-7', 9).message],
    ['signed-in-future', bench.request(device, 'press-7', 9, clock.nowMs + 301_000).message],
  ]
  for (const [cause, message] of cases) {
    assert.equal(causeOf(await bench.answer(message, 'press-7', bench.service.connect('press-7'))), cause)
  }
  assert.equal(bench.verifications, 0)
})

test('a key that only a proven user may use is refused to who claims that name', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  await bench.restrict(device, { users: ['ann'] })
  const claimed = { ...anonymous('press-7'), username: 'ann' }
  const connection = bench.service.connect('press-7')
  assert.equal(
    causeOf(await bench.answer(bench.request(device, 'press-7', 1).message, claimed, connection)),
    'key-restricted',
  )
  const proven = { ...claimed, auth: 'password' } as const
  responseOf(await bench.answer(bench.request(device, 'press-7', 1).message, proven, connection))
})

test('a request below the window of its key is refused', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const connection = bench.service.connect('press-7')
  responseOf(await bench.answer(bench.request(device, 'press-7', 5000).message, 'press-7', connection))
  assert.equal(
    causeOf(await bench.answer(bench.request(device, 'press-7', 1).message, 'press-7', connection)),
    'seq-too-old',
  )
})

test('a forged signature is refused and takes no sequence number', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const { message } = bench.request(device, 'press-7', 1)
  const forged = Uint8Array.from(message)
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1
  const connection = bench.service.connect('press-7')
  assert.equal(causeOf(await bench.answer(forged, 'press-7', connection)), 'signature-invalid')
  responseOf(await bench.answer(message, 'press-7', connection))
})

test('a revoked key agrees on nothing, also when it is revoked while its signature is looked at', async (t) => {
  let revoke = () => Promise.resolve()
  const bench = await ExchangeBench.open(t, keys, {
    verifySignature: async (_source, { key, message, signature }) => {
      await revoke()
      return nativeCrypto.verifyP256(key, message, signature)
    },
  })
  const connection = bench.service.connect('press-7')
  revoke = async () => {
    await bench.chain.revoke(device.thumbprint)
  }
  assert.equal(
    causeOf(await bench.answer(bench.request(device, 'press-7', 1).message, 'press-7', connection)),
    'key-revoked',
  )
  assert.equal(
    causeOf(await bench.answer(bench.request(device, 'press-7', 2).message, 'press-7', connection)),
    'key-revoked',
  )
})

test('a key that is restricted while its signature is looked at agrees on nothing, and the chain verifies', async (t) => {
  let restrict = async (): Promise<unknown> => undefined
  const bench = await ExchangeBench.open(t, keys, {
    verifySignature: async (_source, { key, message, signature }) => {
      await restrict()
      return nativeCrypto.verifyP256(key, message, signature)
    },
  })
  restrict = () => bench.restrict(device, { clients: ['robot-*'] })
  const connection = bench.service.connect('press-7')
  const answer = await bench.answer(bench.request(device, 'press-7', 1).message, 'press-7', connection)
  assert.equal(causeOf(answer), 'key-restricted')
  const { store, genesis } = bench.chain
  assert.equal((await verifyStore({ store, brokerKey: genesis.brokerKey })).ok, true)
})

test('the session of a key ends when the key is revoked', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const connection = bench.service.connect('press-7')
  const pending = bench.request(device, 'press-7', 1)
  const response = responseOf(await bench.answer(pending.message, 'press-7', connection))
  const { sid } = await pending.finish(response, bench.brokerKey)
  connection.sessions.find(sid)?.confirm()
  assert.ok(connection.sessions.find(sid))
  await bench.chain.revoke(device.thumbprint)
  assert.equal(connection.sessions.find(sid), undefined)
})

test('a point that is not on the curve, or another kind of key, is refused before any multiplication', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const off = { x: device.x, y: device.x }
  const infinity = { x: new Uint8Array(32), y: new Uint8Array(32) }
  for (const ephemeral of [coseKeyOfP256(off), coseKeyOfP256(infinity), new Map([[1, 4]])]) {
    const payload = encodeCbor(
      new Map<number, Parameters<typeof encodeCbor>[0]>([
        [1, ephemeral],
        [2, new Uint8Array(16)],
      ]),
    )
    const message = signedRequest(payload, 1, bench.clock.nowMs)
    assert.equal(causeOf(await bench.answer(message, 'press-7', bench.service.connect('press-7'))), 'request-malformed')
  }
  assert.equal(bench.verifications, 0)
})

test('a connection asks three times at once and once a second after that', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const connection = bench.service.connect('press-7')
  const causes = []
  for (let i = 0; i < 5; i++) causes.push(causeOf(await bench.answer(Buffer.from('?'), 'press-7', connection)))
  assert.deepEqual(causes, [...Array(3).fill('request-malformed'), 'too-busy', 'too-busy'])
  bench.clock.nowMs += 1000
  assert.equal(causeOf(await bench.answer(Buffer.from('?'), 'press-7', connection)), 'request-malformed')
  assert.equal(causeOf(await bench.answer(Buffer.from('?'), 'press-7', connection)), 'too-busy')
})

test('a flood of forged requests from many connections looks at few signatures at a time, and a device gets through', async (t) => {
  let running = 0
  let most = 0
  const bench = await ExchangeBench.open(t, keys, {
    maxRunning: 8,
    verifySignature: async (_source, { key, message, signature }) => {
      most = Math.max(most, ++running)
      const valid = await nativeCrypto.verifyP256(key, message, signature)
      running--
      return valid
    },
  })
  const forged = Uint8Array.from(bench.request(device, 'press-7', 7).message)
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1
  const flood = Array.from({ length: 500 }, () => bench.answer(forged, 'press-7', bench.service.connect('press-7')))
  const causes = new Set((await Promise.all(flood)).map(causeOf))
  assert.deepEqual([...causes].sort(), ['signature-invalid', 'too-busy'])
  assert.equal(most, 8)
  assert.equal(bench.chain.state.frontier.size, 3)
  responseOf(
    await bench.answer(bench.request(device, 'press-7', 8).message, 'press-7', bench.service.connect('press-7')),
  )
})

test('over a socket the request says whose it is, and its session serves any connection of that client id only', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const requester = { auth: 'key', listener: 'link://127.0.0.1:1884' } as const
  const pending = bench.request(device, 'press-7', 1)
  const answer = await bench.service.answerOnSocket(pending.message, requester)
  const client = await pending.finish(responseOf(answer), bench.brokerKey)
  assert.deepEqual(
    Buffer.from(bench.service.connect('press-7').sessions.find(client.sid)?.key ?? []),
    Buffer.from(client.key),
  )
  assert.equal(bench.service.connect('press-8').sessions.find(client.sid), undefined)
  const { record } = await lastRecord(bench)
  assert.deepEqual([record.clientId, record.auth, record.listener], ['press-7', 'key', 'link://127.0.0.1:1884'])
})

test('over a socket a repeated request is refused: its answer would open a link under the same keys', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const requester = { auth: 'key', listener: 'link://127.0.0.1:1884' } as const
  const { message } = bench.request(device, 'press-7', 1)
  responseOf(await bench.service.answerOnSocket(message, requester))
  assert.equal(causeOf(await bench.service.answerOnSocket(message, requester)), 'mac-session-unknown')
})

test('over a socket a request without a client id is refused', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const payload = encodeCbor(
    new Map<number, Parameters<typeof encodeCbor>[0]>([
      [1, coseKeyOfP256(other)],
      [2, new Uint8Array(16)],
    ]),
  )
  const message = signedRequest(payload, 1, bench.clock.nowMs)
  const answer = await bench.service.answerOnSocket(message, { auth: 'key' })
  assert.equal(causeOf(answer), 'exchange-not-for-us')
})

test('who signs for the client id of another over a socket does not end his session', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const sids = []
  for (const key of [device, other]) {
    const pending = bench.request(key, 'press-7', 1)
    const answer = await bench.service.answerOnSocket(pending.message, { auth: 'key' })
    const client = await pending.finish(responseOf(answer), bench.brokerKey)
    bench.service.connect('press-7').sessions.find(client.sid)?.confirm()
    sids.push(client.sid)
  }
  const { sessions } = bench.service.connect('press-7')
  assert.deepEqual(
    sids.map((sid) => sessions.find(sid)?.isConfirmed),
    [true, true],
  )
})

test('no bytes make the service fail: what is no request is refused', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  const { message } = bench.request(device, 'press-7', 1)
  const damaged = fc.tuple(fc.nat(message.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
    const copy = Uint8Array.from(message)
    copy[at] = (copy[at] as number) ^ mask
    return copy
  })
  await fc.assert(
    fc.asyncProperty(fc.oneof(damaged, fc.uint8Array({ maxLength: 300 })), async (bytes) => {
      const answer = await bench.answer(bytes, 'press-7', bench.service.connect('press-7'))
      assert.ok('cause' in answer)
    }),
    { seed: fcSeed, numRuns: 200 },
  )
  assert.deepEqual(bench.errors, [])
  assert.equal(bench.chain.state.frontier.size, 3)
})

test('a closed chain answers nothing', async (t) => {
  const bench = await ExchangeBench.open(t, keys)
  await bench.chain.close()
  const connection = bench.service.connect('press-7')
  await assert.rejects(bench.answer(bench.request(device, 'press-7', 1).message, 'press-7', connection), {
    code: 'ERR_CHAIN_CLOSED',
  })
})

async function lastRecord({ chain }: ExchangeBench) {
  const block = await chain.store.blockAt(chain.state.frontier.size - 1)
  assert.ok(block !== undefined)
  const entry = decodeBlock(block.encoded).entries.at(-1)
  assert.ok(entry?.record !== undefined)
  return { record: decodeRecord(entry.record) }
}
