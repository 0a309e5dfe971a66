import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketStream } from '../../helpers/conformance/packet-stream.ts'
import { SeededRandom } from '../../helpers/random.ts'
import { AnsweringBench } from './answering-bench.ts'
import type { EdgeBench } from './edge-support.ts'
import { versions } from './helpers.ts'
import { damagedSession, inChunks, limitsOfSessions, randomSession } from './random-sessions.ts'

const seed = 20_260_102

/** What the handler heard but for reliefs, which depend on the time of day, and what the client was sent. */
function outcome(bench: EdgeBench) {
  return { calls: bench.calls.filter(([name]) => name !== 'onRelief'), written: bench.written() }
}

/** Everything in one chunk, answered at once. */
function whole(packets: readonly Buffer[]) {
  const bench = new AnsweringBench(limitsOfSessions)
  bench.on.onConnect = () => bench.goOn()
  bench.transport.receive(...packets)
  bench.transport.endByPeer()
  bench.transport.close()
  return outcome(bench)
}

/** In chunks, by somebody who is slow to decide and holds the client now and then. */
function inPieces(packets: readonly Buffer[], random: SeededRandom) {
  const bench = new AnsweringBench(limitsOfSessions)
  const { onPublish } = bench.on
  bench.on.onPublish = (packet, size) => {
    onPublish?.(packet, size)
    if (random.below(3) === 0) bench.hold()
  }
  for (const chunk of inChunks(Buffer.concat(packets), random)) {
    bench.transport.receive(chunk)
    if (random.below(5) === 0) bench.goOn()
  }
  bench.transport.endByPeer()
  if (random.below(2) === 0) bench.transport.close()
  for (let i = 0; i <= packets.length && !bench.edge.isClosed; i++) bench.goOn()
  return outcome(bench)
}

test('600 random sessions in random pieces are heard and answered as they are in one', () => {
  const random = new SeededRandom(seed)
  let calls = 0
  for (let index = 0; index < 200; index++) {
    for (const version of versions) {
      const packets = randomSession(version, random, 'c')
      const expected = whole(packets)
      calls += expected.calls.length
      assert.deepEqual(inPieces(packets, random), expected, `session ${index} of version ${version}`)
      assert.ok(expected.calls.every(([name]) => name !== 'onFailure'))
      const ends = expected.calls.filter(([name]) => name === 'onClosed').map(([, reason]) => reason)
      assert.equal(ends.length, 1)
      assert.ok(ends[0] === 'ended' || ends[0] === 'closed-by-peer', 'it does nothing wrong')
    }
  }
  assert.ok(calls > 6000, `${calls} calls`)
})

/** The reason of the end, and everything that must hold for any input whatever. */
function checkEnd(bench: EdgeBench, what: string): string {
  const reason = bench.closeReason
  assert.ok(reason !== undefined, `${what}: it ends`)
  const failure = bench.calls.find(([name]) => name === 'onFailure')
  assert.equal(failure, undefined, `${what}: ${String((failure?.[1] as Error | undefined)?.stack)}`)
  const hasLeft = bench.calls.some(([name]) => name === 'onDisconnect')
  const isViolation = reason.startsWith('ERR_MQTT_')
  if (!isViolation) assert.equal(reason, hasLeft ? 'ended' : 'closed-by-peer', what)
  const written = Buffer.from(bench.written(), 'hex')
  const end = bench.transport.log.indexOf('end')
  assert.ok(end >= 0 && !bench.transport.log.slice(end).some((entry) => entry.startsWith('write')), what)
  const isFive = bench.edge.protocolVersion === 5 || written[1] === 3
  const stream = new PacketStream(isFive ? 5 : 4)
  stream.push(written)
  assert.equal(stream.fault, undefined, `${what}: ${stream.fault?.message}`)
  const last = stream.takeAll().at(-1)
  const wasHeard = bench.calls.some(([name]) => name === 'onConnect')
  if (isFive && isViolation && wasHeard) {
    assert.ok(last?.type === 'disconnect' && last.reasonCode >= 0x80, `${what}: ${last?.type} ${last?.reasonCode}`)
  } else if (isFive && isViolation) {
    assert.ok(last?.type === 'connack' && last.reasonCode >= 0x80, `${what}: ${last?.type} ${last?.reasonCode}`)
  } else assert.notEqual(last?.type, 'disconnect')
  return reason
}

test('2,000 damaged sessions end as the protocol says: told why in MQTT 5, and nothing is thrown', () => {
  const random = new SeededRandom(seed + 1)
  const reasons = new Map<string, number>()
  let accepted = 0
  for (let index = 0; index < 2000; index++) {
    const version = random.pick([3, 4, 5, 5] as const)
    const packets = damagedSession(randomSession(version, random, 'c'), random)
    const bench = new AnsweringBench(limitsOfSessions)
    bench.on.onConnect = () => bench.goOn()
    const chunks = inChunks(Buffer.concat(packets), random)
    for (const chunk of chunks) bench.transport.receive(chunk)
    bench.transport.endByPeer()
    bench.transport.close()
    const reason = checkEnd(bench, `session ${index}: ${Buffer.concat(packets).toString('hex').slice(0, 2000)}`)
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    if (bench.calls.some(([name]) => name === 'onConnect')) accepted++
  }
  assert.ok(accepted > 1000, `${accepted} were accepted`)
  for (const reason of ['ended', 'closed-by-peer', 'ERR_MQTT_MALFORMED_PACKET', 'ERR_MQTT_PROTOCOL_ERROR']) {
    assert.ok((reasons.get(reason) ?? 0) > 50, `${reason}: ${reasons.get(reason)}`)
  }
  assert.ok(reasons.size >= 7, [...reasons.keys()].join())
})
