import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AccessControl, type AclIdentity, parseAclFile } from '../../plugins/access-control/index.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { hasMosquitto, tryMosquitto } from '../helpers/mosquitto.ts'
import {
  mqttText,
  PacketSplitter,
  packet,
  packetType,
  pingPacket,
  publishPacket,
  type ReceivedPacket,
  subscribePacket,
} from '../helpers/mqtt-bytes.ts'
import { SeededRandom } from '../helpers/random.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { badLines, goodLines } from '../plugins/access-control/acl-lines.ts'

/** Lines of a configuration with this access control list. */
function linesWith(t: TestContext, acl: string): readonly string[] {
  const aclFile = join(temporaryDirectory(t), 'acl')
  writeFileSync(aclFile, acl)
  return ['allow_anonymous true', `acl_file ${aclFile}`]
}

/** A MQTT 5 client that sends everything at once and then looks at what came. */
class Probe {
  readonly #socket: Socket
  readonly #splitter = new PacketSplitter()
  #received: ReceivedPacket[] = []
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => {
      this.#received.push(...this.#splitter.push(chunk))
      this.#wake()
    })
    socket.on('close', () => this.#wake())
  }

  static async open(t: TestContext, port: number, identity: AclIdentity): Promise<Probe> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    atEnd(t, () => socket.destroy())
    await once(socket, 'connect')
    const probe = new Probe(socket)
    const { clientId, username } = identity
    const names = [mqttText(clientId), ...(username === undefined ? [] : [mqttText(username)])]
    const flags = username === undefined ? 0x02 : 0x82
    await probe.exchange([packet(0x10, mqttText('MQTT'), Buffer.from([5, flags, 0, 60, 0]), ...names)])
    return probe
  }

  /** Sends packets, and resolves with all that came before the answer to a PINGREQ behind them. */
  async exchange(packets: readonly Uint8Array[]): Promise<readonly ReceivedPacket[]> {
    this.#socket.write(Buffer.concat([...packets, pingPacket]))
    while (this.#received.at(-1)?.type !== packetType.pingresp) {
      assert.equal(this.#socket.closed, false, 'the broker closed the connection')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const received = this.#received
    this.#received = []
    return received
  }

  end(): void {
    this.#socket.destroy()
  }
}

test('Mosquitto starts with every line that we take', async (t) => {
  if (!hasMosquitto(t)) return
  const result = await tryMosquitto(t, linesWith(t, `${goodLines.map(({ line }) => line).join('\n')}\n`))
  assert.ok('port' in result, JSON.stringify(result))
})

test('Mosquitto refuses the lines that we refuse, but for those that could never match', async (t) => {
  if (!hasMosquitto(t)) return
  for (const { what, line, isTakenByMosquitto = false } of badLines) {
    const result = await tryMosquitto(t, linesWith(t, `# first\ntopic a\n${line}\n`))
    assert.deepEqual('port' in result ? 'starts' : result.code, isTakenByMosquitto ? 'starts' : 3, what)
  }
})

/** Publishes what the others may read; its own list lets it, whatever patterns say. */
const root: AclIdentity = { clientId: 'root', username: 'root' }
const rootLines = ['user root', 'topic #', 'topic $x/#', 'topic $SYS/#']

/** Client ids are different, as all are connected at once. */
const identities: readonly [AclIdentity, ...AclIdentity[]] = [
  { clientId: 'c1', username: undefined },
  { clientId: 'c2', username: '' },
  { clientId: 'ann', username: 'bob' },
  { clientId: 'a/b', username: 'ann' },
  { clientId: '$x', username: 'a/b' },
  { clientId: 'p+q', username: 'bob' },
  { clientId: '#', username: undefined },
  { clientId: '%u', username: 'ann' },
  { clientId: 'bob', username: 'x+y' },
  { clientId: '/', username: 'b b' },
]

/** Topics that `$share` and `$SYS` make special; no client can subscribe to the first two. */
const specialTopics = ['$share/g/a', '$shared', '$SYS/a', '$SYSTEM/a', '$SYS/broker/connection/b/state', '$x', '$x/a']

/** `r`, `w`, `rw` or `-` by topic. */
type Rights = Readonly<Record<string, string>>
const rights = (topics: readonly string[], reads: ReadonlySet<string>, writes: ReadonlySet<string>): Rights =>
  Object.fromEntries(
    topics.map((topic) => [topic, `${reads.has(topic) ? 'r' : ''}${writes.has(topic) ? 'w' : ''}` || '-']),
  )

/** Whether the publisher of the read probes may publish to it, and a subscriber ask for it. */
const isReadable = (topic: string) => {
  return !topic.startsWith('$') || /^\$x(\/|$)|^\$SYS\/broker\/connection\/[^/]*\/state$/.test(topic)
}

async function mosquittoSays(t: TestContext, acl: string, topics: readonly string[]): Promise<readonly Rights[]> {
  const result = await tryMosquitto(t, linesWith(t, acl))
  assert.ok('port' in result, `Mosquitto did not start with:\n${acl}`)
  const readable = topics.filter(isReadable)
  const clients = await Promise.all(identities.map((identity) => Probe.open(t, result.port, identity)))
  const writes = await Promise.all(
    clients.map(async (client) => {
      const publishes = topics.map((topic, index) =>
        publishPacket({ topic, payload: 'w', qos: 1, packetId: index + 1, version: 5 }),
      )
      const answers = (await client.exchange(publishes)).filter(({ type }) => type === packetType.puback)
      assert.equal(answers.length, topics.length)
      const accepted = answers.filter(({ body }) => body[2] !== 0x87).map(({ body }) => body.readUInt16BE(0) - 1)
      return new Set(accepted.map((index) => topics[index] as string))
    }),
  )
  for (const client of clients) {
    const [suback] = await client.exchange([subscribePacket(1, readable, 0, 5)])
    assert.deepEqual(
      [...(suback?.body.subarray(3) ?? [])],
      readable.map(() => 0),
      'SUBSCRIBE is never refused',
    )
  }
  const publisher = await Probe.open(t, result.port, root)
  await publisher.exchange(readable.map((topic) => publishPacket({ topic, payload: 'r', version: 5 })))
  const reads = await Promise.all(
    clients.map(async (client) => {
      const publishes = (await client.exchange([])).filter(({ type }) => type === packetType.publish)
      return new Set(publishes.map(({ body }) => body.toString('utf8', 2, 2 + body.readUInt16BE(0))))
    }),
  )
  for (const client of [...clients, publisher]) client.end()
  return reads.map((read, index) => rights(topics, read, writes[index] as ReadonlySet<string>))
}

function weSay(acl: string, topics: readonly string[]): readonly Rights[] {
  const accessControl = new AccessControl(parseAclFile(acl, 'test.acl'))
  return identities.map((identity) => {
    const client = accessControl.for(identity)
    const reads = topics.filter((topic) => isReadable(topic) && client.mayRead(topic))
    const writes = topics.filter((topic) => client.mayWrite(topic))
    return rights(topics, new Set(reads), new Set(writes))
  })
}

const levels = ['a', 'b', 'c1', 'ann', '', '+', '+', '$x', '%c', '%u', 'x%cx', '%u-%c', '%c%c', '%'] as const
const dollarFilters = ['$SYS/#', '$SYSTEM/#', '$share/#', '$shared', '$x/+'] as const

function randomFilter(random: SeededRandom): string {
  if (random.below(7) === 0) return random.pick(dollarFilters)
  const count = random.below(4)
  const filter = Array.from({ length: count }, () => random.pick(levels))
  return (count === 0 || random.below(3) === 0 ? [...filter, '#'] : filter).join('/') || '#'
}

function randomAcl(random: SeededRandom): { acl: string; filters: string[] } {
  const filters: string[] = []
  const line = (): string => {
    const filter = randomFilter(random)
    filters.push(filter)
    const access = random.pick(['', 'read ', 'write ', 'readwrite ', 'deny '])
    return `${random.pick(['topic', 'topic', 'pattern'])} ${access}${filter}`
  }
  const lines = Array.from({ length: random.below(3) }, line)
  for (let block = 2 + random.below(4); block > 0; block--) {
    lines.push(`user ${random.pick(['ann', 'bob', 'a/b', 'x+y', 'b b'])}`)
    for (let count = random.below(4); count > 0; count--) lines.push(line())
  }
  // Without patterns other rules hold for dangerous names: every other file has none.
  if (random.below(2) === 0) {
    const kept = lines.map((one) => one.replace('pattern', 'topic'))
    return { acl: [...kept, ...rootLines, ''].join('\n'), filters }
  }
  return { acl: [...lines, ...rootLines, ''].join('\n'), filters }
}

/** A topic that a filter may cover, for somebody. */
function randomTopic(random: SeededRandom, filter: string): string {
  const { clientId, username } = random.pick(identities)
  const meant = filter.replaceAll('%c', () => clientId).replaceAll('%u', () => username ?? '')
  const rest = ['', 'a', 'b/a', '/'] as const
  const topic = meant.replaceAll('+', () => random.pick(rest)).replaceAll('#', () => random.pick(rest))
  return random.below(4) === 0 ? topic.replace(/\/[^/]*$/, '') : topic
}

const isProbe = (topic: string) => topic !== '' && (!topic.startsWith('$') || isReadable(topic))

test('Mosquitto and we let the same clients read and publish the same topics, for 24 random files', async (t) => {
  if (!hasMosquitto(t)) return
  const random = new SeededRandom(20_260_104)
  const seen = { r: 0, w: 0, rw: 0, '-': 0 }
  for (let file = 0; file < 24; file++) {
    const { acl, filters } = randomAcl(random)
    const wanted = filters.length === 0 ? [] : Array.from({ length: 40 }, () => random.pick(filters as [string]))
    const random40 = wanted.map((filter) => randomTopic(random, filter)).filter(isProbe)
    const topics = [...new Set([...random40, ...specialTopics])]
    const theirs = await mosquittoSays(t, acl, topics)
    assert.deepEqual(weSay(acl, topics), theirs, acl)
    for (const one of theirs) for (const right of Object.values(one)) seen[right as keyof typeof seen]++
  }
  // Files that deny everything would prove little.
  for (const [right, count] of Object.entries(seen)) assert.ok(count > 50, `${right}: ${count}`)
})

test('Mosquitto and we understand the same by each line that we take', async (t) => {
  if (!hasMosquitto(t)) return
  // As long as the longest topic: not a probe for each client.
  const lines = goodLines.map(({ line }) => line).filter((line) => line.length < 1000)
  const topics = ['a', 'a/b', 'a b/c d', 'b/c d', 'deny', 'read', 'a/%c', 'a/c1', ...specialTopics]
  for (const line of lines) {
    const acl = [line, 'user bob ', line, ...rootLines, ''].join('\n')
    assert.deepEqual(weSay(acl, topics), await mosquittoSays(t, acl, topics), line)
  }
})
