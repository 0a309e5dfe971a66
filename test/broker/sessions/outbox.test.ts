import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { TestLink } from '../../helpers/test-link.ts'
import { TestOutbox } from '../../helpers/test-outbox.ts'

test('whatever is published and acknowledged when, nothing is lost, doubled or out of order, and the window holds', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('publish 1', 'publish 2') },
    { weight: 6, arbitrary: fc.constantFrom('acknowledge oldest', 'acknowledge newest') },
    { weight: 1, arbitrary: fc.constantFrom('reconnect', 'congest', 'relieve', 'commit') },
  )
  const property = fc.property(
    fc.array(step, { maxLength: 200 }),
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 65_500, max: 65_540 }),
    (steps, window, nextNumber) => {
      const made = new TestOutbox({ maxInflightMessages: window, maxQueuedMessages: 0 }, nextNumber)
      let link = new TestLink()
      made.outbox.attach(link)
      /** First deliveries in order, and what of them is acknowledged. */
      const first: string[] = []
      let published = 0
      let open: { packetId: number; qos: number; isReceived: boolean }[] = []
      const look = () => {
        for (const { message, dup, packetId, qos } of link.publishes.splice(0)) {
          if (!dup) first.push(Buffer.from(message.payload).toString())
          assert.ok(packetId >= 1 && packetId <= 65_535)
          const known = open.find((one) => one.packetId === packetId)
          assert.equal(known !== undefined, dup, 'DUP exactly when it is known')
          if (known === undefined) open.push({ packetId, qos, isReceived: false })
        }
        assert.ok(open.length <= window)
      }
      const acknowledge = (one: (typeof open)[number] | undefined) => {
        if (one === undefined) return
        if (one.qos === 2 && !one.isReceived) {
          one.isReceived = true
          made.outbox.pubrec(one.packetId, false)
          return
        }
        open = open.filter((other) => other !== one)
        if (one.qos === 1) made.outbox.puback(one.packetId)
        else made.outbox.pubcomp(one.packetId)
      }
      const run = (one: string) => {
        if (one === 'publish 1' || one === 'publish 2') {
          published++
          made.publish(one === 'publish 1' ? 1 : 2)
        } else if (one === 'acknowledge oldest') acknowledge(open[0])
        else if (one === 'acknowledge newest') acknowledge(open.at(-1))
        else if (one === 'congest') link.isCongested = true
        else if (one === 'relieve') {
          link.isCongested = false
          made.outbox.resume()
        } else if (one === 'commit') made.commit()
        else {
          made.outbox.detach()
          link = new TestLink()
          made.outbox.attach(link)
        }
        look()
      }
      for (const one of steps) run(one)
      run('relieve')
      while (open.length > 0) run('acknowledge oldest')
      assert.deepEqual(
        first,
        Array.from({ length: published }, (_, i) => `${i + 1}`),
      )
      assert.equal(made.outbox.size, 0)
    },
  )
  fc.assert(property, { seed: fcSeed, numRuns: 300 })
})

test('other limits hold at once: a smaller window is not filled up again, a larger queue takes more', () => {
  const made = new TestOutbox({ maxInflightMessages: 2, maxQueuedMessages: 1 })
  const link = new TestLink()
  made.outbox.attach(link)
  for (let i = 0; i < 4; i++) made.publish(1)
  assert.equal(link.publishes.length, 2)
  assert.deepEqual(made.dropped, ['queue-full'])
  made.limits = { ...made.limits, maxInflightMessages: 1, maxQueuedMessages: 3 }
  made.outbox.puback(link.publishes[0]?.packetId ?? 0)
  assert.equal(link.publishes.length, 2, 'one is in flight, which is as many as may be')
  made.publish(1)
  made.publish(1)
  assert.deepEqual(made.dropped, ['queue-full'])
  made.outbox.puback(link.publishes[1]?.packetId ?? 0)
  assert.equal(link.publishes.length, 3)
})
