import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type SubscriptionOptions, SubscriptionTree } from '../../../broker/router/index.ts'
import { defaultMatchMemoryLimits } from '../../../broker/router/match-memory.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { plainGroups, plainTarget, plainTargets, SubscriptionList } from './subscription-model.ts'
import { topicFilter, topicName } from './topics.ts'

function options(changed: Partial<SubscriptionOptions> = {}): SubscriptionOptions {
  const usual = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  return { ...usual, subscriptionIdentifier: undefined, ...changed }
}

function subscribers(tree: SubscriptionTree<string>, name: string): string[] {
  return tree
    .match(name)
    .targets.map(({ subscriber }) => subscriber)
    .sort()
}

describe('examples of the standard: who gets a publish to the topic', () => {
  // Each filter has a subscriber that is called like it.
  const filters = [
    '#',
    '+',
    '+/+',
    '/+',
    '+/tennis/#',
    '+/monitor/Clients',
    'sport/#',
    'sport/+',
    'sport/+/player1',
    'sport/tennis/+',
    'sport/tennis/player1',
    'sport/tennis/player1/#',
    '$SYS/#',
    '$SYS/monitor/+',
    'ACCOUNTS',
  ]
  const rows: readonly (readonly [string, string, readonly string[]])[] = [
    ['[MQTT-5.0 4.7.1.2] # covers its parent', 'sport', ['#', '+', 'sport/#']],
    [
      '[MQTT-5.0 4.7.1.2] # covers its parent, + one level',
      'sport/tennis/player1',
      [
        '#',
        '+/tennis/#',
        'sport/#',
        'sport/+/player1',
        'sport/tennis/+',
        'sport/tennis/player1',
        'sport/tennis/player1/#',
      ],
    ],
    [
      '[MQTT-5.0 4.7.1.3] + does not cover two levels, # does',
      'sport/tennis/player1/score/wimbledon',
      ['#', '+/tennis/#', 'sport/#', 'sport/tennis/player1/#'],
    ],
    ['[MQTT-5.0 4.7.1.3] an empty last level is a level', 'sport/', ['#', '+/+', 'sport/#', 'sport/+']],
    ['[MQTT-5.0 4.7.1.3] an empty first level is a level', '/finance', ['#', '+/+', '/+']],
    ['[MQTT-5.0 4.7.2-1] no leading wildcard covers $', '$SYS/monitor/Clients', ['$SYS/#', '$SYS/monitor/+']],
    ['[MQTT-5.0 4.7.2-1] nor $ alone', '$SYS', ['$SYS/#']],
    ['[MQTT-5.0 4.7.3] case counts', 'Accounts', ['#', '+']],
    ['[MQTT-5.0 4.7.3] two empty levels', '/', ['#', '+/+', '/+']],
  ]
  for (const [name, topic, expected] of rows) {
    test(`${name}: ${topic}`, () => {
      const tree = new SubscriptionTree<string>()
      for (const filter of filters) tree.set(filter, filter, options())
      assert.deepEqual(subscribers(tree, topic), [...expected].sort())
    })
  }
})

describe('overlapping subscriptions of one subscriber', () => {
  test('[MQTT-5.0 3.3.4-2] it is one target with the highest QoS, in whatever order they were made', () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ] as const) {
      const tree = new SubscriptionTree<string>()
      const filters = ['a/#', 'a/b', '+/b']
      for (const [index, qos] of order.entries()) tree.set('s', filters[index] ?? '', options({ qos }))
      assert.deepEqual(
        tree.match('a/b').targets.map(({ qos }) => qos),
        [2],
      )
    }
  })

  test('[MQTT-5.0 3.3.4-4] all identifiers are given, oldest subscription first, the same one as often as it was used', () => {
    const tree = new SubscriptionTree<string>()
    tree.set('s', 'a/b', options({ subscriptionIdentifier: 7 }))
    tree.set('s', '#', options({ subscriptionIdentifier: 3 }))
    tree.set('s', '+/b', options())
    tree.set('s', 'a/+', options({ subscriptionIdentifier: 7 }))
    tree.set('s', 'other', options({ subscriptionIdentifier: 9 }))
    assert.deepEqual(tree.match('a/b').targets[0]?.subscriptionIdentifiers, [7, 3, 7])
  })

  test('one that is replaced keeps its age and changes its options [MQTT-5.0 3.8.4-3]', () => {
    const tree = new SubscriptionTree<string>()
    assert.equal(tree.set('s', 'a', options({ subscriptionIdentifier: 1 })), true)
    assert.equal(tree.set('s', '#', options({ subscriptionIdentifier: 2 })), true)
    assert.equal(tree.set('s', 'a', options({ subscriptionIdentifier: 3, qos: 2 })), false)
    assert.equal(tree.subscriptionCount, 2)
    assert.deepEqual(tree.match('a').targets.map(plainTarget), [
      { subscriber: 's', qos: 2, retainAsPublished: false, subscriptionIdentifiers: [3, 2], own: 'same' },
    ])
  })

  test('each of the options that count takes effect when it alone is replaced', () => {
    const changes = [{ qos: 2 }, { noLocal: true }, { retainAsPublished: true }, { subscriptionIdentifier: 5 }] as const
    for (const change of changes) {
      const tree = new SubscriptionTree<string>()
      const list = new SubscriptionList()
      for (const one of [options(), options(change), options()]) {
        tree.set('s', 'a', one)
        list.set('s', 'a', one)
        assert.deepEqual(plainTargets(tree.match('a').targets), list.targets('a'))
      }
    }
  })

  test('without identifiers the array is the same empty one for everybody', () => {
    const tree = new SubscriptionTree<string>()
    for (const subscriber of ['s', 't']) for (const filter of ['a', '+']) tree.set(subscriber, filter, options())
    tree.set('u', 'a', options())
    const arrays = tree.match('a').targets.map(({ subscriptionIdentifiers }) => subscriptionIdentifiers)
    assert.equal(arrays.length, 3)
    assert.equal(new Set(arrays).size, 1)
    assert.deepEqual(arrays[0], [])
  })

  test('[MQTT-5.0 3.8.3-3] of its own publishes it gets what its subscriptions without No Local give', () => {
    const tree = new SubscriptionTree<string>()
    tree.set('s', 'a', options({ noLocal: true, qos: 2, retainAsPublished: true, subscriptionIdentifier: 1 }))
    assert.equal(tree.match('a').targets[0]?.own, undefined)
    tree.set('s', '#', options({ qos: 0, subscriptionIdentifier: 2 }))
    const [target] = tree.match('a').targets
    assert.deepEqual(target && plainTarget(target), {
      subscriber: 's',
      qos: 2,
      retainAsPublished: true,
      subscriptionIdentifiers: [1, 2],
      own: { subscriber: 's', qos: 0, retainAsPublished: false, subscriptionIdentifiers: [2], own: 'same' },
    })
    tree.set('s', 'a', options())
    const [without] = tree.match('a').targets
    assert.equal(without?.own, without)
  })
})

describe('shared subscriptions', () => {
  test('[MQTT-5.0 4.8.2] each group of a filter gets a copy, for one of its members', () => {
    const tree = new SubscriptionTree<string>()
    tree.set('a', '$share/g/sport/+', options())
    tree.set('b', '$share/g/sport/+', options())
    tree.set('c', '$share/h/sport/+', options())
    const { targets, groups } = tree.match('sport/tennis')
    assert.deepEqual(targets, [])
    assert.deepEqual(
      groups.map((group) => group.pick(() => true)?.subscriber),
      ['a', 'c'],
    )
  })

  test('the same share name with another filter is another group', () => {
    const tree = new SubscriptionTree<string>()
    tree.set('a', '$share/g/sport/+', options())
    tree.set('a', '$share/g/sport/#', options())
    assert.deepEqual(
      tree
        .match('sport/tennis')
        .groups.map(({ filter }) => filter)
        .sort(),
      ['sport/#', 'sport/+'],
    )
  })

  test('a subscriber may have both: its shared subscription adds nothing to the other, and is given by its own options', () => {
    const tree = new SubscriptionTree<string>()
    tree.set('s', 'a/+', options({ qos: 0, subscriptionIdentifier: 1 }))
    tree.set('s', '$share/g/a/+', options({ qos: 2, subscriptionIdentifier: 2 }))
    tree.set('s', '$share/h/#', options({ qos: 1 }))
    const { targets, groups } = tree.match('a/b')
    assert.deepEqual(
      targets.map(({ qos, subscriptionIdentifiers }) => [qos, subscriptionIdentifiers]),
      [[0, [1]]],
    )
    const picked = groups.map((group) => group.pick(() => true))
    assert.deepEqual(picked.map((target) => [target?.qos, target?.subscriptionIdentifiers]).sort(), [
      [1, []],
      [2, [2]],
    ])
    assert.deepEqual([tree.subscriptionCount, tree.sharedCount], [1, 2])
  })

  test('members that come and go are seen in an answer given before', () => {
    const tree = new SubscriptionTree<string>()
    tree.set('a', '$share/g/x', options())
    const [group] = tree.match('x').groups
    tree.set('b', '$share/g/x', options())
    tree.delete('a', '$share/g/x')
    assert.equal(group?.pick(() => true)?.subscriber, 'b')
    tree.delete('b', '$share/g/x')
    assert.equal(
      group?.pick(() => true),
      undefined,
    )
    assert.deepEqual(tree.match('x').groups, [])
  })

  test('# of a group does not cover $SYS, and a filter below $SYS does', () => {
    const tree = new SubscriptionTree<string>()
    tree.set('a', '$share/g/#', options())
    tree.set('a', '$share/g/$SYS/#', options())
    assert.deepEqual(
      tree.match('$SYS/x').groups.map(({ filter }) => filter),
      ['$SYS/#'],
    )
  })
})

describe('any sequence of changes', () => {
  const subscriber = fc.constantFrom('s', 't', 'u')
  const anyFilter = fc.oneof(
    { weight: 2, arbitrary: topicFilter },
    // All of them cover a/b.
    { weight: 2, arbitrary: fc.constantFrom('a/b', 'a/+', '+/b', '+/+', 'a/#', '+/#', '#', 'a/b/#') },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('g', 'h', '__proto__'), topicFilter)
        .map(([shareName, filter]) => `$share/${shareName}/${filter}`),
    },
  )
  const anyOptions = fc.record({
    qos: fc.constantFrom(0, 1, 2),
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    retainHandling: fc.constantFrom(0, 1, 2),
    subscriptionIdentifier: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  })
  const step = fc.oneof(
    fc.record({ subscriber, filter: anyFilter, options: anyOptions }),
    fc.record({ subscriber, filter: anyFilter, options: fc.constant(undefined) }),
  )
  const cases = fc.record({
    steps: fc.array(step, { maxLength: 40 }),
    names: fc.array(topicName, { maxLength: 3 }).map((names) => ['a/b', ...names]),
    /** Undoes a former step, so that deletions meet something. */
    undo: fc.array(fc.nat(40), { maxLength: 20 }),
  })

  for (const [memory, limits] of [
    ['of the usual size', defaultMatchMemoryLimits],
    ['that is always full', { topics: 2, characters: 10, weight: 2 }],
  ] as const) {
    test(`gives the targets and groups that a list of all subscriptions gives, with a memory ${memory}`, () => {
      const property = fc.property(cases, ({ steps, names, undo }) => {
        const tree = new SubscriptionTree<string>(limits)
        const list = new SubscriptionList()
        const undone = undo.flatMap((index) => steps[index] ?? []).map((one) => ({ ...one, options: undefined }))
        for (const { subscriber, filter, options } of [...steps, ...undone]) {
          if (options === undefined) assert.equal(tree.delete(subscriber, filter), list.delete(subscriber, filter))
          else assert.equal(tree.set(subscriber, filter, options), list.set(subscriber, filter, options))
          for (const name of names) {
            const { targets, groups } = tree.match(name)
            assert.deepEqual(plainTargets(targets), list.targets(name))
            assert.deepEqual(plainGroups(groups), list.groups(name))
          }
          assert.equal(tree.subscriptionCount, list.count(false))
          assert.equal(tree.sharedCount, list.count(true))
          assert.equal(tree.filterCount, list.filterCount)
        }
      })
      fc.assert(property, { seed: fcSeed, numRuns: 400 })
    })
  }
})

describe('the memory', () => {
  test('the same topic gives the same answer until a subscription that covers it changes', () => {
    const tree = new SubscriptionTree<string>()
    tree.set('s', 'a/+', options())
    tree.set('t', '#', options())
    const first = tree.match('a/b')
    tree.set('u', 'a/c', options())
    tree.set('u', 'c/#', options())
    tree.set('s', 'a/+', options({ retainHandling: 2 }))
    assert.equal(tree.match('a/b'), first)
    tree.set('u', 'a/#', options())
    assert.deepEqual(subscribers(tree, 'a/b'), ['s', 't', 'u'])
    assert.equal(first.targets.length, 2)
  })

  test('a subscriber that is not covered by the same filters is forgotten with its subscription', () => {
    const tree = new SubscriptionTree<string>()
    tree.set('s', 'a', options())
    assert.deepEqual(subscribers(tree, 'a'), ['s'])
    assert.equal(tree.delete('s', 'a'), true)
    assert.deepEqual(subscribers(tree, 'a'), [])
    assert.equal(tree.delete('s', 'a'), false)
    assert.equal(tree.delete('s', '$share/g/a'), false)
  })
})

describe('sizes', () => {
  test('one subscriber with 100,000 filters comes and goes', () => {
    const tree = new SubscriptionTree<string>()
    for (let i = 0; i < 100_000; i++) tree.set('s', `a/${i % 100}/${i}`, options())
    assert.equal(tree.subscriptionCount, 100_000)
    assert.deepEqual(subscribers(tree, 'a/99/99999'), ['s'])
    for (let i = 0; i < 100_000; i++) tree.delete('s', `a/${i % 100}/${i}`)
    assert.equal(tree.subscriptionCount, 0)
  })

  test('100,000 subscribers of one filter come and go, some of them with a second filter or in a group', () => {
    const tree = new SubscriptionTree<number>()
    for (let i = 0; i < 100_000; i++) tree.set(i, 'a/+', options())
    assert.equal(tree.match('a/b').targets.length, 100_000)
    for (let i = 0; i < 1000; i++) tree.set(i, '#', options({ qos: 2 }))
    const { targets } = tree.match('a/b')
    assert.equal(targets.length, 100_000)
    assert.equal(targets.filter(({ qos }) => qos === 2).length, 1000)
    for (let i = 0; i < 100_000; i++) tree.delete(i, 'a/+')
    assert.equal(tree.match('a/b').targets.length, 1000)
  })

  test('200,000 groups of one filter are no problem', () => {
    const tree = new SubscriptionTree<string>()
    for (let i = 0; i < 200_000; i++) tree.set('s', `$share/g${i}/a`, options())
    tree.set('s', '#', options())
    assert.equal(tree.match('a').groups.length, 200_000)
  })

  test('filters and topics of 65,535 bytes that are all slashes are no problem', () => {
    const tree = new SubscriptionTree<string>()
    const deep = '/'.repeat(65_535)
    for (const filter of [deep, '#', `${deep.slice(1)}#`, `+${'/+'.repeat(32_767)}/#`])
      tree.set(filter, filter, options())
    assert.equal(tree.match(deep).targets.length, 4)
    for (const filter of [deep, '#', `${deep.slice(1)}#`]) assert.equal(tree.delete(filter, filter), true)
    assert.equal(tree.match(deep).targets.length, 1)
  })
})
