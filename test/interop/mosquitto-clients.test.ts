import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { JsonRpcSuccess, RecordJson } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { run, TestProcess } from '../helpers/processes.ts'
import { sha256Base64url } from '../helpers/signing.ts'
import { hasMosquittoClients } from '../helpers/tools.ts'

const versions = ['mqttv31', 'mqttv311', 'mqttv5'] as const
const levels = [0, 1, 2] as const

/** What `-F %j` prints of a message. */
interface Printed {
  readonly topic: string
  readonly qos: number
  readonly retain: number
  readonly payload: string
}

const publishWith = async (t: TestContext, port: number, args: readonly string[]) => {
  const { code, stderr } = await run(t, 'mosquitto_pub', ['-p', String(port), ...args])
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
}

/** mosquitto_sub, subscribed. Its standard output is line-buffered from outside: piped, it would keep everything. */
const subscribeWith = async (t: TestContext, port: number, args: readonly string[]) => {
  const subscriber = new TestProcess(t, 'stdbuf', [
    '-oL',
    'mosquitto_sub',
    '-p',
    String(port),
    '-d',
    '-F',
    '%j',
    ...args,
  ])
  await subscriber.line(/^Subscribed \(mid: 1\): [012]$/)
  return subscriber
}

const printedBy = (subscriber: { readonly stdout: string }): Printed[] =>
  subscriber.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Printed)

/** The fields of a record that say what was published and by whom. */
const told = ({ clientId, topic, qos, retain, payloadSha256, size, outcome, kid, mac }: RecordJson) => {
  return { clientId, topic, qos, retain, payloadSha256, size, outcome, kid, mac }
}

const unsigned = (clientId: string, topic: string, qos: number, payload: string, retain = false) => {
  const [payloadSha256, size] = [sha256Base64url(payload), Buffer.byteLength(payload)]
  return { clientId, topic, qos, retain, payloadSha256, size, outcome: 'unsigned', kid: undefined, mac: false }
}

test('mosquitto_pub and mosquitto_sub exchange messages of every QoS across MQTT 3.1, 3.1.1 and 5, all in the chain', async (t) => {
  if (!hasMosquittoClients(t)) return
  const { port } = await startBroker(t)
  const sent = versions.flatMap((version) =>
    levels.map((qos) => ({ version, qos, payload: `21.5 °C ${version} ${qos}` })),
  )
  const subscribers = await Promise.all(
    versions.map((version) =>
      subscribeWith(t, port, [
        '-V',
        version,
        '-i',
        `sub-${version}`,
        '-q',
        '2',
        '-t',
        'plant/+/temp',
        '-C',
        `${sent.length}`,
      ]),
    ),
  )
  for (const { version, qos, payload } of sent) {
    const args = ['-V', version, '-i', `pub-${version}`, '-q', `${qos}`, '-t', `plant/${qos}/temp`, '-m', payload]
    await publishWith(t, port, args)
  }
  const wanted = sent.map(({ qos, payload }) => ({ topic: `plant/${qos}/temp`, qos, retain: 0, payload }))
  for (const subscriber of subscribers) {
    const ended = await subscriber.ended
    assert.equal(ended.code, 0, ended.stderr)
    const printed = printedBy(ended).map(({ topic, qos, retain, payload }) => ({ topic, qos, retain, payload }))
    assert.deepEqual(printed, wanted)
  }
  const admin = await TestAdmin.connect(t, port)
  const records = await admin.publishes()
  assert.deepEqual(
    records.map(told),
    sent.map(({ version, qos, payload }) => unsigned(`pub-${version}`, `plant/${qos}/temp`, qos, payload)),
  )
  assert.deepEqual([...new Set(records.map(({ listener }) => listener))], [`mqtt://127.0.0.1:${port}`])
  await admin.verifies()
})

test('a retained message of mosquitto_pub waits for later subscribers until an empty one clears it; both are in the chain', async (t) => {
  if (!hasMosquittoClients(t)) return
  const { port } = await startBroker(t)
  for (const version of versions) {
    const topic = `state/${version}`
    await publishWith(t, port, ['-V', version, '-i', 'keeper', '-q', '1', '-r', '-t', topic, '-m', 'open'])
    for (const reader of versions) {
      const args = ['-p', `${port}`, '-V', reader, '-q', '1', '-t', topic, '-F', '%j', '-C', '1', '-W', '10']
      const late = await run(t, 'mosquitto_sub', args)
      const [printed] = printedBy(late)
      assert.deepEqual([late.code, printed?.topic, printed?.payload, printed?.retain], [0, topic, 'open', 1])
    }
    await publishWith(t, port, ['-V', version, '-i', 'keeper', '-q', '1', '-r', '-n', '-t', topic])
    await publishWith(t, port, ['-V', version, '-i', 'keeper', '-q', '1', '-r', '-t', `${topic}/end`, '-m', 'end'])
    const args = ['-p', `${port}`, '-V', version, '-q', '1', '-t', `${topic}/#`, '-F', '%j', '-C', '1', '-W', '10']
    assert.deepEqual(
      printedBy(await run(t, 'mosquitto_sub', args)).map((one) => one.topic),
      [`${topic}/end`],
    )
  }
  const admin = await TestAdmin.connect(t, port)
  for (const version of versions) {
    const topic = `state/${version}`
    assert.deepEqual((await admin.publishes({ topic })).map(told), [
      unsigned('keeper', topic, 1, 'open', true),
      unsigned('keeper', topic, 1, '', true),
    ])
  }
  await admin.verifies()
})

test('the will of a mosquitto_sub that is killed is delivered and in the chain; one that leaves properly has none', async (t) => {
  if (!hasMosquittoClients(t)) return
  const { port } = await startBroker(t)
  const watcher = await subscribeWith(t, port, ['-V', 'mqttv5', '-i', 'watcher', '-q', '2', '-t', 'will/#', '-C', '4'])
  for (const version of versions) {
    const will = ['--will-topic', `will/${version}`, '--will-payload', `${version} is gone`, '--will-qos', '1']
    const args = ['-V', version, '-i', `mortal-${version}`, '-t', 'nothing', ...will]
    const mortal = await subscribeWith(t, port, args)
    await mortal.kill()
    const polite = await subscribeWith(t, port, [...args, '-E', '--will-payload', 'never'])
    assert.equal((await polite.ended).code, 0)
    await watcher.line(new RegExp(`"topic":"will/${version}"`))
  }
  await publishWith(t, port, ['-i', 'end', '-q', '1', '-t', 'will/end', '-m', 'end'])
  const printed = printedBy(await watcher.ended).map(({ topic, qos, payload }) => ({ topic, qos, payload }))
  assert.deepEqual(printed, [
    ...versions.map((version) => ({ topic: `will/${version}`, qos: 1, payload: `${version} is gone` })),
    { topic: 'will/end', qos: 1, payload: 'end' },
  ])
  const admin = await TestAdmin.connect(t, port)
  const wills = (await admin.publishes({ topic: 'will/+' })).slice(0, -1)
  assert.deepEqual(
    wills.map(told),
    versions.map((version) => {
      const record = unsigned(`mortal-${version}`, `will/${version}`, 1, `${version} is gone`)
      return { ...record, outcome: 'will' }
    }),
  )
  await admin.verifies()
})

test('what mosquitto_pub sends while a subscriber with a persistent session is away waits for it, also across a restart', async (t) => {
  if (!hasMosquittoClients(t)) return
  const first = await startBroker(t)
  const session = (version: string) => ['-V', version, '-i', `stays-${version}`, '-c', '-q', '2', '-t', 'queue/+']
  for (const version of versions) {
    const registering = await subscribeWith(t, first.port, [...session(version), '-E'])
    assert.equal((await registering.ended).code, 0)
  }
  for (const qos of [1, 2]) {
    await publishWith(t, first.port, ['-i', 'sender', '-q', `${qos}`, '-t', `queue/${qos}`, '-m', `kept ${qos}`])
  }
  await first.broker.close()
  const { port } = await startBroker(t, { location: first.location })
  for (const version of versions) {
    const args = ['-p', `${port}`, ...session(version), '-F', '%j', '-C', '2', '-W', '15']
    const back = await run(t, 'mosquitto_sub', args)
    assert.equal(back.code, 0, back.stderr)
    assert.deepEqual(
      printedBy(back).map(({ topic, qos, payload }) => [topic, qos, payload]),
      [
        ['queue/1', 1, 'kept 1'],
        ['queue/2', 2, 'kept 2'],
      ],
    )
  }
  const admin = await TestAdmin.connect(t, port)
  assert.deepEqual((await admin.publishes()).map(told), [
    unsigned('sender', 'queue/1', 1, 'kept 1'),
    unsigned('sender', 'queue/2', 2, 'kept 2'),
  ])
  await admin.verifies()
})

test('mosquitto_rr asks the admin topic, with and without the request/response properties of MQTT 5', async (t) => {
  if (!hasMosquittoClients(t)) return
  const { port } = await startBroker(t)
  for (const version of ['mqttv311', 'mqttv5']) {
    for (const responseTopic of ['$notary/admin/response/-', '$notary/admin/response/asker']) {
      const request = JSON.stringify({ jsonrpc: '2.0', id: version, method: 'audit.status' })
      const topics = ['-t', '$notary/admin/request', '-e', responseTopic]
      const args = ['-p', `${port}`, '-V', version, '-i', 'asker', '-q', '1', ...topics, '-m', request, '-W', '10']
      const { code, stdout, stderr } = await run(t, 'mosquitto_rr', args)
      assert.equal(code, 0, stderr)
      const answer = JSON.parse(stdout) as JsonRpcSuccess
      assert.deepEqual([answer.id, (answer.result as { treeSize: number }).treeSize], [version, 1])
    }
  }
  const admin = await TestAdmin.connect(t, port)
  assert.deepEqual(await admin.publishes(), [], 'requests are answered, not recorded')
})
