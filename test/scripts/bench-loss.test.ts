import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { encodePublish, PacketReader } from '../../scripts/bench/mqtt-packets.ts'
import { type Run, renderJson, renderMarkdown } from '../../scripts/bench/report.ts'
import { type LoadOutcome, runLoad, whyNoResult } from '../../scripts/bench/run-load.ts'
import type { LoadVariant, Variant } from '../../scripts/bench/variants.ts'
import { parseOpensslSpeed } from '../../scripts/bench/verify-limit.ts'

type Send = (message: Buffer) => void
/** What a fake broker does with the n-th message it accepts (from 0, over all publishers). */
interface Faults {
  deliver?: (n: number, message: Buffer, send: Send) => void
  acknowledge?: (n: number, packetId: number, send: (packetId: number) => void) => void
  /** Ends the publisher's connection instead of taking this message. */
  hangUpAt?: number
}

const puback = (packetId: number) => Buffer.from([0x40, 2, packetId >> 8, packetId & 0xff])

/** QoS 0 form of the same message. */
function delivery(topicName: string, message: Buffer): Buffer {
  const name = Buffer.from(topicName)
  const remaining = 2 + name.length + message.length
  assert.ok(remaining >= 128 && remaining < 16384)
  const head = Buffer.from([0x30, (remaining & 0x7f) | 0x80, remaining >> 7, 0, name.length])
  return Buffer.concat([head, name, message])
}

/** Acknowledges and forwards to the one subscriber, except where the faults say otherwise. */
async function withFakeBroker<T>(faults: Faults, use: (port: number) => Promise<T>): Promise<T> {
  let subscriber: Socket | undefined
  let accepted = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    const reader = new PacketReader((firstByte, buffer, start, end) => {
      if (firstByte === 0x10) socket.write(Buffer.from([0x20, 2, 0, 0]))
      if (firstByte === 0x82) {
        subscriber = socket
        socket.write(Buffer.from([0x90, 3, buffer[start]!, buffer[start + 1]!, 0]))
      }
      if (firstByte !== 0x32 || socket.destroyed) return
      if (faults.hangUpAt === accepted) {
        socket.destroy()
        return
      }
      const topicEnd = start + 2 + buffer.readUInt16BE(start)
      const topicName = buffer.toString('utf8', start + 2, topicEnd)
      const message = Buffer.from(buffer.subarray(topicEnd + 2, end))
      const send: Send = (bytes) => subscriber?.write(delivery(topicName, bytes))
      const n = accepted++
      if (faults.deliver) faults.deliver(n, message, send)
      else send(message)
      const acknowledge = (packetId: number) => socket.write(puback(packetId))
      const packetId = buffer.readUInt16BE(topicEnd)
      if (faults.acknowledge) faults.acknowledge(n, packetId, acknowledge)
      else acknowledge(packetId)
    })
    socket.on('data', (chunk) => reader.push(chunk, chunk.length))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await use((server.address() as AddressInfo).port)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

function measure(faults: Faults, publishers = 2): Promise<LoadOutcome> {
  return withFakeBroker(faults, (port) =>
    runLoad({
      workload: 'unsigned',
      host: '127.0.0.1',
      port,
      runId: 1,
      publishers,
      messagesPerPublisher: 200 / publishers,
      payloadBytes: 200,
      window: 10,
      batch: 3,
      quietMs: 300,
      deadlineMs: 5000,
    }),
  )
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

test('packets cut at every byte are read as the same packets', () => {
  const stream = Buffer.concat([
    encodePublish(1, 'a', Buffer.alloc(300, 1)),
    puback(258),
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

const variant = (peer: LoadVariant['peer'], rates: number[], rest: Partial<LoadVariant> = {}): LoadVariant => ({
  kind: 'load',
  workload: 'unsigned',
  peer,
  note: '',
  messages: 200,
  samples: rates.map((rate) => ({
    acknowledgedPerSecond: rate,
    deliveredPerSecond: rate / 2,
    generatorCpuSeconds: 1,
    generatorBusy: 0.5,
  })),
  notInstalled: false,
  ...rest,
})
const runOf = (variants: Variant[]): Run => ({
  date: '2026-01-01T00:00:00.000Z',
  machine: { cores: 2, model: 'm', memoryGiB: 1, system: 's', node: 'v20', fdatasyncMs: 1, fsyncNote: 'f' },
  rounds: 5,
  remarks: [],
  variants,
})

test('a variant that lost messages has no row, no ratio and no sample in the report', () => {
  const run = runOf([
    variant('notarymq', [12345], { noResult: 'lost 1 of 200' }),
    variant('aedes', [12345]),
    variant('mosquitto', [], { notInstalled: true }),
  ])
  const markdown = renderMarkdown(run)
  assert.match(markdown, /unsigned, notarymq: no result: lost 1 of 200/)
  assert.doesNotMatch(markdown, /\| unsigned, notarymq/)
  assert.doesNotMatch(markdown, /NotaryMQ \/ plain Aedes/)
  assert.match(markdown, /\| unsigned, aedes \| 200 \| 12,345 /)
  assert.match(markdown, /\| unsigned, mosquitto \| not installed/)
  assert.equal(JSON.parse(renderJson(run)).variants[0].samples.length, 0)
})

test('ratios are those of the medians, signed against the verification limit', () => {
  const markdown = renderMarkdown(
    runOf([
      variant('notarymq', [3000, 90, 2000]),
      variant('mosquitto', [1000, 1, 99999]),
      variant('notarymq', [700], { workload: 'signed' }),
      { kind: 'limit', method: 'openssl', samples: [{ verifiesPerSecond: 900 }, { verifiesPerSecond: 1100 }] },
    ]),
  )
  assert.match(markdown, /\| unsigned, notarymq \| 200 \| 2,000 \(90–3,000\) \| 1,000 \(45–1,500\) \|/)
  assert.match(markdown, /\| unsigned, NotaryMQ \/ Mosquitto \| 2\.00 \| 2\.00 \| 1\.2 \|/)
  assert.match(markdown, /\| signed, NotaryMQ \/ verification limit \| 0\.70 \| 0\.35 \| 0\.6 \|/)
})

test('the verification rate is the last column of the P-256 line of openssl speed', () => {
  const output = [
    '                              sign    verify    sign/s verify/s',
    ' 256 bits ecdsa (nistp256)   0.0000s   0.0001s  43873.0  13624.0',
  ].join('\n')
  assert.equal(parseOpensslSpeed(output), 13624)
  assert.throws(() => parseOpensslSpeed('usage: speed'), /no line for ecdsa/)
})
