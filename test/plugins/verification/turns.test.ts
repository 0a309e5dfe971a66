import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Turns } from '../../../plugins/verification/turns.ts'

interface Waiting {
  readonly client: number
  readonly n: number
}

const clients = Array.from({ length: 4 }, (_, number) => ({ number }))

function turnsOf(arrivals: readonly number[]): Turns<Waiting> {
  const turns = new Turns<Waiting>()
  for (const [n, client] of arrivals.entries()) turns.push(clients[client]!, { client, n })
  return turns
}

test('a client that comes after a thousand of another is second', () => {
  const turns = turnsOf([...Array<number>(1000).fill(0), 1])
  assert.deepEqual(
    turns
      .takeAll()
      .slice(0, 3)
      .map(({ client, n }) => [client, n]),
    [
      [0, 0],
      [1, 1000],
      [0, 1],
    ],
  )
})

test('whatever the arrivals, nothing is lost, each client keeps its order, and nobody is taken twice while another waits', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 3 }), { maxLength: 60 }), (arrivals) => {
      const turns = turnsOf(arrivals)
      assert.equal(turns.length, arrivals.length)
      const taken = turns.takeAll()
      assert.equal(turns.length, 0)
      assert.deepEqual(
        taken.map(({ n }) => n).toSorted((a, b) => a - b),
        [...arrivals.keys()],
      )
      for (const client of clients.keys()) {
        const own = taken.filter((item) => item.client === client).map(({ n }) => n)
        assert.deepEqual(
          own,
          own.toSorted((a, b) => a - b),
        )
      }
      for (const [index, { client }] of taken.entries()) {
        if (taken[index + 1]?.client === client) {
          assert.ok(taken.slice(index + 1).every((item) => item.client === client))
        }
      }
    }),
    { seed: 51, numRuns: 200 },
  )
})

test('what is put back is taken next, before the other items of its client', () => {
  const turns = turnsOf([0, 0, 1])
  const first = turns.take()
  assert.ok(first !== undefined)
  // Client 0 has another one waiting and keeps its place; the order among its own is what counts.
  turns.putBack(clients[0]!, first)
  assert.deepEqual(
    turns.takeAll().map(({ n }) => n),
    [2, 0, 1],
  )
  turns.push(clients[1]!, { client: 1, n: 7 })
  turns.putBack(clients[0]!, first)
  assert.deepEqual(turns.first, first)
  assert.deepEqual(
    turns.takeAll().map(({ n }) => n),
    [0, 7],
  )
})
