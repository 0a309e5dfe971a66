import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LoadJob } from '../../scripts/bench/jobs.ts'
import { type LoadOutcome, whyNoResult } from '../../scripts/bench/load-outcome.ts'
import { encodePubacks, encodePublish, PacketReader } from '../../scripts/bench/mqtt-packets.ts'
import { runLoad } from '../../scripts/bench/run-load.ts'
import { type Faults, withFakeBroker } from './fake-broker.ts'

const job = {
  kind: 'load',
  host: '127.0.0.1',
  runId: 1,
  topicPrefix: 'bench/clean',
  publishers: 2,
  messagesPerPublisher: 100,
  payloadBytes: 200,
  window: 10,
  batch: 3,
  quietMs: 300,
  deadlineMs: 5000,
  subscribers: 1,
  subscriberQos: 0,
  persistent: false,
} as const satisfies Omit<LoadJob, 'port'>

/** 200 messages, over so many publishers. */
function measure(faults: Faults, publishers = 2, rest: Partial<LoadJob> = {}): Promise<LoadOutcome> {
  const messagesPerPublisher = 200 / publishers
  return withFakeBroker(faults, ({ port }) => runLoad({ ...job, port, publishers, messagesPerPublisher, ...rest }))
}

test('a broker that delivers everything once and in order has a result', async () => {
  const outcome = await measure({})
  assert.equal(whyNoResult(outcome), undefined)
  assert.equal(outcome.delivered, 200)
  assert.equal(outcome.acknowledged, 200)
  assert.ok(outcome.ackSeconds > 0 && outcome.deliverySeconds > 0)
})

test('one dropped message is reported as lost 1 of 200', async () => {
  const outcome = await measure({ deliver: (n, message, send) => n !== 77 && send(message) })
  assert.equal(whyNoResult(outcome), 'lost 1 of 200')
})

test('the last message dropped is reported too', async () => {
  const outcome = await measure({ deliver: (n, message, send) => n !== 199 && send(message) })
  assert.equal(whyNoResult(outcome), 'lost 1 of 200')
})

for (const which of [77, 199]) {
  test(`message ${which} delivered twice is reported as duplicated`, async () => {
    const outcome = await measure({
      deliver: (n, message, send) => {
        send(message)
        if (n === which) send(message)
      },
    })
    assert.equal(whyNoResult(outcome), 'duplicated 1 of 200')
  })
}

test('a dropped and a duplicated message do not cancel out', async () => {
  const outcome = await measure({
    deliver: (n, message, send) => {
      if (n !== 50) send(message)
      if (n === 60) send(message)
    },
  })
  assert.equal(whyNoResult(outcome), 'lost 1 of 200, duplicated 1 of 200')
})

test('two swapped messages of one publisher are reported as out of order', async () => {
  let held: Buffer | undefined
  const outcome = await measure(
    {
      deliver: (n, message, send) => {
        if (n === 100) held = message
        else send(message)
        if (n === 101 && held) send(held)
      },
    },
    1,
  )
  assert.equal(whyNoResult(outcome), 'out of order 1 of 200')
})

test('a message of another run or of another size is unexpected, and the right one lost', async () => {
  const outcome = await measure({
    deliver: (n, message, send) => {
      if (n === 3) message.writeUInt32BE(99, 8)
      send(n === 4 ? message.subarray(1) : message)
    },
  })
  assert.equal(whyNoResult(outcome), 'lost 2 of 200, unexpected deliveries 2')
})

test('a missing PUBACK is reported although everything was delivered', async () => {
  const outcome = await measure({ acknowledge: (n, packetId, send) => n !== 199 && send(packetId) })
  assert.equal(whyNoResult(outcome), 'not acknowledged 1 of 200')
})

test('[MQTT-3.1.1 4.6.0-2] PUBACKs in another order than the PUBLISHes are reported', async () => {
  let held = 0
  const outcome = await measure(
    {
      acknowledge: (n, packetId, send) => {
        if (n === 20) held = packetId
        else send(packetId)
        if (n === 21) send(held)
      },
    },
    1,
  )
  assert.equal(whyNoResult(outcome), 'PUBACKs not in order 2')
})

test('a connection that the broker closes ends the measurement at once, without a result', async () => {
  const outcome = await measure({ hangUpAt: 0 }, 1)
  assert.match(whyNoResult(outcome) ?? '', /^lost 200 of 200, not acknowledged 200 of 200, publisher 0: /)
})

test('one message that one of three subscribers did not get is lost 1 of 600', async () => {
  const deliver: Faults['deliver'] = (n, message, send, clientId) =>
    (n !== 5 || !clientId.endsWith('2')) && send(message)
  const outcome = await measure({ deliver }, 2, { subscribers: 3 })
  assert.equal(whyNoResult(outcome), 'lost 1 of 600')
})

for (const persistent of [false, true]) {
  test(`a QoS 1 subscriber acknowledges each delivery, persistent ${persistent}`, async () => {
    await withFakeBroker({}, async ({ port, acknowledgements }) => {
      const outcome = await runLoad({ ...job, port, subscriberQos: 1, persistent })
      assert.equal(whyNoResult(outcome), undefined)
      assert.equal(acknowledgements(), 200)
    })
  })
}

for (const [granted, used] of [
  [0, 1],
  [1, 0],
] as const) {
  test(`[MQTT-3.1.1 3.8.4-6] a delivery with QoS ${used} to a QoS ${granted} subscriber leaves no result`, async () => {
    const outcome = await measure({ deliveryQos: used }, 1, { subscriberQos: granted })
    assert.match(whyNoResult(outcome) ?? '', new RegExp(`subscriber 0: .* QoS ${used} instead of ${granted}`))
  })
}

test('a broker that answers no CONNECT is given up', async () => {
  await assert.rejects(measure({ connectLimit: { connections: 0, beyond: 'silence' } }), /no answer within 300 ms/)
})

test('packets cut at every byte are read as the same packets', () => {
  const stream = Buffer.concat([
    encodePublish(1, 'a', Buffer.alloc(300, 1)),
    encodePubacks([258]),
    encodePublish(2, 'b', Buffer.alloc(0)),
  ])
  const read = (sizes: number) => {
    const packets: string[] = []
    const reader = new PacketReader((firstByte, buffer, start, end) =>
      packets.push(`${firstByte} ${buffer.toString('hex', start, end)}`),
    )
    for (let at = 0; at < stream.length; at += sizes) {
      const chunk = stream.subarray(at, at + sizes)
      reader.push(chunk, chunk.length)
    }
    return packets
  }
  const whole = read(stream.length)
  assert.equal(whole.length, 3)
  for (const sizes of [1, 2, 3, 7, 100]) assert.deepEqual(read(sizes), whole)
})
