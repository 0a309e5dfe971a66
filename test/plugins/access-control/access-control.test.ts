import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { AccessControl, type AclIdentity, type AclRule, parseAclFile } from '../../../plugins/access-control/index.ts'
import { topicMatchesFilter } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'

const access = (text: string, clientId: string, username?: string) =>
  new AccessControl(parseAclFile(text, 'test.acl')).for({ clientId, username })

/** `r`, `w`, `rw` or `-` for each topic. */
const rightsTo = (topics: readonly string[], ...of: Parameters<typeof access>) => {
  const client = access(...of)
  return topics
    .map((topic) => (client.mayRead(topic) ? 'r' : '') + (client.mayWrite(topic) ? 'w' : '') || '-')
    .join(' ')
}

describe('access control', () => {
  test('denies what no line covers, and everything to everybody when there is no line', () => {
    assert.equal(rightsTo(['a', 'b', 'c', 'd'], 'topic read a\ntopic write b\ntopic c\n', 'id'), 'r w rw -')
    assert.equal(rightsTo(['a'], '', 'id'), '-')
    assert.equal(rightsTo(['a'], 'topic a\nuser ann\ntopic a', 'id', 'bob'), '-')
  })

  test('an empty username is none', () => {
    assert.equal(rightsTo(['a'], 'topic a', 'id', ''), 'rw')
    assert.equal(rightsTo(['u/', 'u//x'], 'pattern u/%u/#', 'id', ''), '- -')
  })

  test('a deny wins over grants of the same list, wherever it stands', () => {
    assert.equal(rightsTo(['a/b', 'a/c'], 'topic a/#\ntopic deny a/b\ntopic a/b', 'id'), '- rw')
    assert.equal(rightsTo(['a/b', 'a/c'], 'pattern deny a/b\npattern a/#', 'id'), '- rw')
  })

  test('what the own list decides is decided, whatever patterns say', () => {
    const text = 'user ann\ntopic read a\ntopic deny b\npattern deny a\npattern b\npattern write c'
    assert.equal(rightsTo(['a', 'b', 'c'], text, 'id', 'ann'), 'r - w')
    assert.equal(rightsTo(['a', 'b', 'c'], text, 'id'), '- rw w')
  })

  test('an own list that gives one right leaves the other to patterns', () => {
    assert.equal(rightsTo(['a'], 'topic read a\npattern write a', 'id'), 'rw')
  })

  test('+ covers one level, # any number and the level above it, neither a first level with $', () => {
    const topics = ['a', 'a/b', 'a/b/c', '/', '$SYS/a', '$x', '$x/a']
    assert.equal(rightsTo(topics, 'topic read #', 'id'), 'r r r r - - -')
    assert.equal(rightsTo(topics, 'topic read a/#', 'id'), 'r r r - - - -')
    assert.equal(rightsTo(topics, 'topic read +', 'id'), 'r - - - - - -')
    assert.equal(rightsTo(topics, 'topic read +/+', 'id'), '- r - r - - -')
    assert.equal(rightsTo(topics, 'topic read +/+/#', 'id'), '- r r r - - -')
    assert.equal(rightsTo(topics, 'topic read $SYS/#\ntopic read $x/+', 'id'), '- - - - r - r')
  })

  test('nobody publishes to $SYS but for the state of bridges, nobody reads or publishes $share', () => {
    const text = 'topic $SYS/#\ntopic $SYSTEM/#\ntopic $share/#\ntopic $shared\ntopic $x/#'
    const topics = ['$SYS/a', '$SYSTEM/a', '$SYS/broker/connection/b/state', '$share/g/a', '$shared', '$x/a']
    assert.equal(rightsTo(topics, text, 'id'), 'r r rw - - rw')
  })

  test('%c and %u are replaced as text, also inside a level, and may be several levels', () => {
    const text = 'pattern a/%c/b\npattern u/x%ux\npattern %c-%u\npattern read c/%c/#'
    assert.equal(rightsTo(['a/id/b', 'u/xannx', 'id-ann', 'c/id', 'c/id/x'], text, 'id', 'ann'), 'rw rw rw r r')
    assert.equal(rightsTo(['a/i/d/b', 'u/xa/nx', 'i/d-a/n', 'c/i/d/x'], text, 'i/d', 'a/n'), 'rw rw rw r')
    assert.equal(rightsTo(['a/i/b', 'a/id', 'u/xxannx', 'c', 'c/i'], text, 'id', 'ann'), '- - - - -')
  })

  test('what a variable stands for is not looked at again', () => {
    assert.equal(rightsTo(['a/%u', 'a/ann'], 'pattern a/%c', '%u', 'ann'), 'rw -')
    assert.equal(rightsTo(['a/$&', 'a/%c'], 'pattern a/%c', '$&'), 'rw -')
  })

  test('a client id that begins with $ reaches topics that begin with $', () => {
    assert.equal(rightsTo(['$me/a', '$SYS/a'], 'pattern %c/#', '$me'), 'rw -')
    assert.equal(rightsTo(['$SYS/a'], 'pattern %c/#', '$SYS'), 'r')
  })

  test('patterns with %u are not for clients without a username', () => {
    assert.equal(rightsTo(['u/id', 'u/', 'u/%u', 'c/id'], 'pattern u/%u\npattern c/%c', 'id'), '- - - rw')
    assert.equal(rightsTo(['a/id'], 'pattern deny a/%u\npattern a/%c', 'id'), 'rw')
  })

  test('a client with + or # in its names gets nothing from patterns, and keeps its own list', () => {
    const text = 'topic a\nuser x+y\ntopic u\npattern b\npattern c/%c'
    for (const clientId of ['+', 'a#']) assert.equal(rightsTo(['a', 'b', `c/${clientId}`], text, clientId), 'rw - -')
    assert.equal(rightsTo(['u', 'b', 'c/id'], text, 'id', 'x+y'), 'rw - -')
    assert.equal(rightsTo(['a', 'u'], 'topic a\nuser x+y\ntopic u', '#', 'x+y'), '- rw')
  })

  test('a client id of very many levels covers no topic', () => {
    const clientId = '/'.repeat(65_535)
    assert.equal(rightsTo(['a', `c/${clientId}`], 'pattern c/%c\npattern a', clientId), 'rw -')
    assert.equal(rightsTo([`c/${'/'.repeat(200)}`], 'pattern c/%c', '/'.repeat(200)), 'rw')
  })

  test('clients that cannot differ share one object', () => {
    const shared = new AccessControl(parseAclFile('topic a\nuser ann\ntopic b', 'test.acl'))
    const one = (clientId: string, username?: string) => shared.for({ clientId, username })
    assert.equal(one('1', 'ann'), one('2', 'ann'))
    assert.equal(one('1'), one('2', ''))
    assert.equal(one('1', 'bob'), one('2', 'carl'))
    assert.notEqual(one('1', 'ann'), one('1'))
  })

  test('answers about one client do not disturb those about another', () => {
    const shared = new AccessControl(parseAclFile('topic read a\nuser ann\ntopic write a\npattern b/%c', 'test.acl'))
    const anonymous = shared.for({ clientId: '1', username: undefined })
    const ann = shared.for({ clientId: '2', username: 'ann' })
    for (const topic of ['a', 'b/1', 'a', 'b/2']) {
      assert.deepEqual([anonymous.mayRead(topic), ann.mayRead(topic)], [topic !== 'b/2', topic === 'b/2'], topic)
      assert.deepEqual([anonymous.mayWrite(topic), ann.mayWrite(topic)], [topic === 'b/1', topic !== 'b/1'], topic)
    }
  })

  test('any rules say the same as going through them one by one', () => {
    const level = fc.constantFrom('a', 'b', '', '+', '%c', '%u', 'a%c', '%u%c', '$x', '%')
    const filter = fc
      .tuple(fc.array(level, { maxLength: 4 }), fc.boolean())
      .map(([levels, isOpen]) => [...levels, ...(isOpen || levels.join('/') === '' ? ['#'] : [])].join('/'))
    const oneRule = fc.record({
      access: fc.constantFrom('read', 'write', 'readwrite', 'deny'),
      filter,
    }) as fc.Arbitrary<AclRule>
    const name = fc.constantFrom('a', 'b', 'a/b', '/', '$x', '%u', 'a+', '#', '')
    const identity = fc.record({
      clientId: name.filter((id) => id !== ''),
      username: fc.option(name, { nil: undefined }),
    })
    const topic = fc
      .array(fc.constantFrom('a', 'b', '', 'aa', 'ab', 'ba', '$x', '%', '%u'), { minLength: 1, maxLength: 5 })
      .map((levels) => levels.join('/'))
      .filter((text) => text !== '')
    const rules = fc.record({ own: fc.array(oneRule, { maxLength: 5 }), patterns: fc.array(oneRule, { maxLength: 5 }) })
    fc.assert(
      fc.property(
        rules,
        identity,
        fc.array(topic, { minLength: 1, maxLength: 12 }),
        ({ own, patterns }, who, topics) => {
          const users = new Map(who.username ? [[who.username, own]] : [])
          const anonymous = who.username ? [] : own
          const client = new AccessControl({ anonymous, users, patterns, warnings: [] }).for(who)
          for (const one of topics) {
            const answer = [client.mayRead(one), client.mayWrite(one)]
            const wanted = [oneByOne(own, patterns, who, one, 'read'), oneByOne(own, patterns, who, one, 'write')]
            assert.deepEqual(answer, wanted, one)
          }
        },
      ),
      { seed: fcSeed, numRuns: 3000 },
    )
  })
})

/** The rules as documented, without a tree. */
function oneByOne(
  own: readonly AclRule[],
  patterns: readonly AclRule[],
  { clientId, username }: AclIdentity,
  topic: string,
  wanted: 'read' | 'write',
): boolean {
  const isDangerous = /[+#]/.test(`${clientId}${username ?? ''}`)
  const meant = isDangerous
    ? []
    : patterns
        .filter(({ filter }) => username || !filter.includes('%u'))
        .map((one) => ({
          ...one,
          filter: one.filter
            .split(/(%[cu])/)
            .map(replaced)
            .join(''),
        }))
  function replaced(part: string): string {
    if (part === '%c') return clientId
    return part === '%u' ? (username ?? '') : part
  }
  for (const list of [own, meant]) {
    const covering = list.filter(({ filter }) => filter !== '' && topicMatchesFilter(topic, filter))
    if (covering.some((one) => one.access === 'deny')) return false
    if (covering.some((one) => one.access === wanted || one.access === 'readwrite')) return true
  }
  return false
}
