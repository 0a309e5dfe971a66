import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SharedGroup } from '../../../broker/router/shared-group.ts'
import { Subscription } from '../../../broker/router/subscription.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'

function member(subscriber: string, qos: 0 | 1 | 2 = 0): Subscription<string> {
  const options = {
    qos,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionIdentifier: undefined,
  }
  return new Subscription(subscriber, { ...options, retainHandling: 0 }, 0)
}

function groupOf(...subscribers: readonly string[]): SharedGroup<string> {
  const group = new SharedGroup<string>('g', 'a/+')
  for (const subscriber of subscribers) group.set(member(subscriber))
  return group
}

const everybody = (): boolean => true

function picks(group: SharedGroup<string>, count: number, isEligible: (s: string) => boolean = everybody): unknown[] {
  return Array.from({ length: count }, () => group.pick(isEligible)?.subscriber)
}

test('members take turns in the order in which they joined', () => {
  assert.deepEqual(picks(groupOf('a', 'b', 'c'), 7), ['a', 'b', 'c', 'a', 'b', 'c', 'a'])
})

test('those that are not eligible are passed over, and the turn passes to the one behind the picked one', () => {
  const group = groupOf('a', 'b', 'c', 'd')
  assert.deepEqual(
    picks(group, 3, (subscriber) => subscriber === 'b' || subscriber === 'd'),
    ['b', 'd', 'b'],
  )
  assert.deepEqual(picks(group, 2), ['c', 'd'])
})

test('picks nobody when nobody is eligible, after asking each member once, and nobody loses the turn by it', () => {
  const group = groupOf('a', 'b', 'c')
  picks(group, 1)
  const asked: string[] = []
  assert.deepEqual(
    picks(group, 1, (subscriber) => asked.push(subscriber) < 0),
    [undefined],
  )
  assert.deepEqual(asked, ['b', 'c', 'a'])
  assert.deepEqual(picks(group, 1), ['b'])
})

test('a group without members picks nobody', () => {
  const group = groupOf('a')
  assert.equal(group.delete('a'), true)
  assert.equal(group.delete('a'), false)
  assert.deepEqual(picks(group, 1), [undefined])
  group.set(member('b'))
  assert.deepEqual(picks(group, 2), ['b', 'b'])
})

test('the turn of a member that leaves passes to the one behind it', () => {
  const group = groupOf('a', 'b', 'c')
  picks(group, 1)
  group.delete('b')
  assert.deepEqual(picks(group, 3), ['c', 'a', 'c'])
})

test('a member that joins waits until all others had their turn', () => {
  const group = groupOf('a', 'b')
  picks(group, 2)
  group.set(member('c'))
  assert.deepEqual(picks(group, 4), ['a', 'b', 'c', 'a'])
})

test('a member that changes its options keeps its place and is given the new ones', () => {
  const group = groupOf('a', 'b')
  group.set(member('a', 2))
  assert.equal(group.size, 2)
  assert.deepEqual(
    [...group.members()].map(({ subscriber, qos }) => [subscriber, qos]),
    [
      ['a', 2],
      ['b', 0],
    ],
  )
  assert.equal(group.pick(everybody)?.qos, 2)
})

/** The same with a list and an index, where everything moves when one leaves. */
class NaiveGroup {
  readonly members: string[] = []
  #turn = 0

  set(subscriber: string): void {
    if (!this.members.includes(subscriber)) this.members.push(subscriber)
  }

  delete(subscriber: string): boolean {
    const index = this.members.indexOf(subscriber)
    if (index === -1) return false
    this.members.splice(index, 1)
    if (index < this.#turn) this.#turn--
    if (this.#turn >= this.members.length) this.#turn = 0
    return true
  }

  pick(isEligible: (subscriber: string) => boolean): string | undefined {
    const inTurn = [...this.members.slice(this.#turn), ...this.members.slice(0, this.#turn)]
    const picked = inTurn.find(isEligible)
    if (picked !== undefined) this.#turn = (this.members.indexOf(picked) + 1) % this.members.length
    return picked
  }
}

test('whoever comes and goes, the turns are those of a list', () => {
  const subscriber = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const step = fc.record({
    action: fc.constantFrom('set', 'delete', 'pick', 'pick'),
    subscriber,
    eligible: fc.subarray(['a', 'b', 'c', 'd', 'e']),
  })
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const group = groupOf()
    const naive = new NaiveGroup()
    for (const { action, subscriber, eligible } of steps) {
      if (action === 'set') {
        group.set(member(subscriber))
        naive.set(subscriber)
      } else if (action === 'delete') assert.equal(group.delete(subscriber), naive.delete(subscriber))
      else {
        const isEligible = (one: string): boolean => eligible.includes(one)
        assert.equal(group.pick(isEligible)?.subscriber, naive.pick(isEligible))
      }
      assert.deepEqual(
        [...group.members()].map((target) => target.subscriber),
        naive.members,
      )
      assert.equal(group.size, naive.members.length)
    }
  })
  fc.assert(property, { seed: fcSeed, numRuns: 1000 })
})

test('100,000 members share evenly', () => {
  const group = groupOf()
  for (let i = 0; i < 100_000; i++) group.set(member(`m${i}`))
  const picked = new Set(picks(group, 100_000))
  assert.equal(picked.size, 100_000)
  for (let i = 0; i < 100_000; i += 2) group.delete(`m${i}`)
  assert.equal(new Set(picks(group, 50_000)).size, 50_000)
})
