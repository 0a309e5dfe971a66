import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { confirmWithinMs, MacSessions } from '../../../plugins/key-exchange/index.ts'
import type { MacSessionFields } from '../../../plugins/key-exchange/mac-session.ts'
import { SocketSessions } from '../../../plugins/key-exchange/socket-sessions.ts'
import type { RegisteredKey } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { TestClock } from '../../helpers/exchange-bench.ts'
import { numberedKey } from '../../helpers/keys.ts'

const hourMs = 3_600_000

/** A session that somebody agreed on. @param n different for each */
function fieldsOf(n: number, clock: TestClock, more: Partial<MacSessionFields> = {}): MacSessionFields {
  const bytes = (length: number) => new Uint8Array(length).fill(n)
  return {
    agreed: { sid: bytes(8), key: bytes(32), message: bytes(100), digest: bytes(32) },
    signer: { thumbprint: bytes(32) } as Pick<RegisteredKey, 'thumbprint'> as RegisteredKey,
    clientId: 'press-7',
    expiresAtMs: clock.nowMs + hourMs,
    requestDigest: bytes(32),
    ...more,
  }
}

const sidOf = (n: number) => new Uint8Array(8).fill(n)

test('a session that no MAC confirms ends after 30 seconds, and its key is gone', () => {
  const clock = new TestClock()
  const sessions = new MacSessions(clock.now)
  const session = sessions.begin(fieldsOf(1, clock))
  clock.nowMs += confirmWithinMs - 1
  assert.equal(sessions.find(sidOf(1)), session)
  clock.nowMs += 1
  assert.equal(sessions.find(sidOf(1)), undefined)
  assert.deepEqual(session?.key, new Uint8Array(32))
  sessions.close()
})

test('a confirmed session lives until it expires', () => {
  const clock = new TestClock()
  const sessions = new MacSessions(clock.now)
  sessions.begin(fieldsOf(1, clock))?.confirm()
  clock.nowMs += hourMs - 1
  assert.ok(sessions.find(sidOf(1))?.isConfirmed)
  clock.nowMs += 1
  assert.equal(sessions.find(sidOf(1)), undefined)
  sessions.close()
})

test('the session in use goes on until the first MAC of the next one, and then ends', () => {
  const clock = new TestClock()
  const sessions = new MacSessions(clock.now)
  const first = sessions.begin(fieldsOf(1, clock))
  first?.confirm()
  const second = sessions.begin(fieldsOf(2, clock))
  assert.equal(sessions.find(sidOf(1)), first)
  assert.equal(sessions.find(sidOf(2)), second)
  second?.confirm()
  assert.equal(sessions.find(sidOf(1)), undefined)
  assert.deepEqual(first?.key, new Uint8Array(32))
  assert.equal(sessions.find(sidOf(2)), second)
  sessions.close()
})

test('of sessions that wait for their first MAC only the newest stays', () => {
  const clock = new TestClock()
  const sessions = new MacSessions(clock.now)
  sessions.begin(fieldsOf(1, clock))
  sessions.begin(fieldsOf(2, clock))
  assert.equal(sessions.find(sidOf(1)), undefined)
  assert.ok(sessions.find(sidOf(2)))
  sessions.close()
})

test('what ends with its connection is gone, and nothing begins on it any more', () => {
  const clock = new TestClock()
  const sessions = new MacSessions(clock.now)
  const session = sessions.begin(fieldsOf(1, clock))
  session?.confirm()
  sessions.close()
  assert.equal(sessions.find(sidOf(1)), undefined)
  assert.deepEqual(session?.key, new Uint8Array(32))
  const late = fieldsOf(2, clock)
  assert.equal(sessions.begin(late), undefined)
  assert.deepEqual(late.agreed.key, new Uint8Array(32))
})

test('the timer ends a session that nobody asks for', async () => {
  let nowMs = 0
  const sessions = new MacSessions(() => nowMs)
  const session = sessions.begin({ ...fieldsOf(1, new TestClock(0)), expiresAtMs: 5 })
  nowMs = 5
  while (session?.key[0] !== 0) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.equal(session.isLive(nowMs), false)
})

test('whatever happens, a connection has at most one confirmed session and one that waits', () => {
  const step = fc.constantFrom('begin', 'confirm', 'wait')
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new TestClock()
      const sessions = new MacSessions(clock.now)
      const begun: number[] = []
      for (const what of steps) {
        if (what === 'wait') clock.nowMs += 9_000
        else if (what === 'confirm') sessions.find(sidOf(begun.at(-1) ?? 0))?.confirm()
        else {
          begun.push(begun.length + 1)
          sessions.begin(fieldsOf(begun.length, clock))
        }
        const live = begun.map((n) => sessions.find(sidOf(n))).filter((session) => session !== undefined)
        assert.ok(live.filter((session) => session.isConfirmed).length <= 1)
        assert.ok(live.filter((session) => !session.isConfirmed).length <= 1)
      }
      sessions.close()
    }),
    { seed: fcSeed, numRuns: 100 },
  )
})

test('sessions of sockets are bounded: the client id that agreed longest ago loses its own', () => {
  const clock = new TestClock()
  const sessions = new SocketSessions(clock.now)
  for (let n = 0; n <= 10_000; n++) sessions.begin(fieldsOf(n % 250, clock, { clientId: `client-${n}` }))
  assert.equal(sessions.find('client-0', sidOf(0)), undefined)
  assert.ok(sessions.find('client-1', sidOf(1)))
  assert.ok(sessions.find('client-10000', sidOf(0)))
  sessions.close()
  assert.equal(sessions.find('client-1', sidOf(1)), undefined)
})

test('eight keys have a session for one client id, the ninth takes the place of the oldest', () => {
  const clock = new TestClock()
  const sessions = new SocketSessions(clock.now)
  for (let n = 1; n <= 9; n++) {
    const signer = { thumbprint: numberedKey(n).thumbprint } as RegisteredKey
    sessions.begin(fieldsOf(n, clock, { signer }))
  }
  assert.equal(sessions.find('press-7', sidOf(1)), undefined)
  for (let n = 2; n <= 9; n++) assert.ok(sessions.find('press-7', sidOf(n)))
  sessions.close()
})
