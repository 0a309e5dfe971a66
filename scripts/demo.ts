/**
 * The main job on temporary data, one step after the other, each printed with what it shows. Afterwards the broker
 * stays up to be tried with other clients.
 */
import { generateKeyPairSync } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connectAsync, ErrorWithReasonCode, type MqttClient } from 'mqtt'
import { BrokerError, createBroker, type NotaryBroker } from '../broker/index.ts'
import { AdminClient } from '../clients/cli/admin-client.ts'
import { loadIdentity } from '../clients/identity/index.ts'
import { LevelAuditStore, openStoreDatabase, verifyStore } from '../plugins/index.ts'
import { nobleCrypto, p256ToJwk, signPublish, toBase64url, verifyFaults } from '../protocol/index.ts'

const help = `Usage: npm run demo -- [--port PORT] [--exit]

  --port PORT   TCP port on 127.0.0.1 (default 1883)
  --exit        end after the last step instead of keeping the broker up`

const topic = 'plant/press-7/temperature'
const { values } = parseArgs({
  options: { port: { type: 'string', default: '1883' }, exit: { type: 'boolean' }, help: { type: 'boolean' } },
})
if (values.help) {
  console.log(help)
  process.exit(0)
}
const port = Number(values.port)
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error(`--port takes a port number, not ${values.port}`)
  process.exit(2)
}

const directory = mkdtempSync(join(tmpdir(), 'notarymq-demo-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

let steps = 0
function step(title: string): void {
  steps++
  console.log(`\n${steps}. ${title}`)
}
function show(text: string): void {
  console.log(`   ${text}`)
}
/** The demo claims what it sees: anything else ends it. */
function check(isTrue: boolean, claim: string): void {
  if (!isTrue) throw new Error(`the demo expected: ${claim}`)
  show(`ok: ${claim}`)
}

async function start(): Promise<NotaryBroker> {
  try {
    return await createBroker({
      location: join(directory, 'data'),
      listeners: [{ protocol: 'mqtt', port, host: '127.0.0.1' }],
      allowAnonymous: true,
      anonymousAdmin: true,
      protect: [{ filter: 'plant/#', signed: true }],
      log: { destinations: [{ kind: 'stderr' }], types: ['error', 'warning'], timestamps: true },
    })
  } catch (error) {
    if (!(error instanceof BrokerError && error.code === 'ERR_LISTEN_FAILED')) throw error
    console.error(`${error.message}\nAnother broker may be running. Choose another port: npm run demo -- --port 18830`)
    process.exit(1)
  }
}

/** Publishes with QoS 1 and returns the reason code of the PUBACK. */
async function publish(client: MqttClient, to: string, payload: Uint8Array | string, retain = false): Promise<number> {
  try {
    const ack = await client.publishAsync(to, Buffer.from(payload), { qos: 1, retain })
    return (ack as { reasonCode?: number } | undefined)?.reasonCode ?? 0
  } catch (error) {
    if (error instanceof ErrorWithReasonCode) return error.code
    throw error
  }
}
const hex = (code: number) => `0x${code.toString(16).padStart(2, '0')}`

step('The broker starts on its own temporary data')
const broker = await start()
const flags = { host: '127.0.0.1', port: String(port), 'protocol-version': 'mqttv5' }
const url = `mqtt://127.0.0.1:${port}`
show(`MQTT on 127.0.0.1:${port}; topics plant/# ask for a signature; log ${broker.chain.genesis.origin}`)

step('A device makes a key, and an administrator enrols it')
const keyFile = join(directory, 'press-7.pem')
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
const identity = loadIdentity(keyFile)
const admin = await AdminClient.connect(flags)
const { kid } = await admin.request('keys.enroll', { key: p256ToJwk(identity.key), name: 'press-7' })
show(`press-7 has kid ${kid}`)

const device = await connectAsync(url, { protocolVersion: 5, clientId: 'press-7' })
const attacker = await connectAsync(url, { protocolVersion: 5, clientId: 'mallory' })
const watcher = await connectAsync(url, { protocolVersion: 5, clientId: 'watcher' })
let delivered = 0
watcher.on('message', () => {
  delivered++
})
await watcher.subscribeAsync('#', { qos: 1 })

step('A signed message is accepted, recorded and delivered')
const message = { topic, payload: Buffer.from('21.5'), seq: 1, timeMs: Date.now() }
const envelope = signPublish(identity.key, identity.thumbprint, message, nobleCrypto)
const accepted = await publish(device, topic, envelope)
check(accepted === 0, `PUBACK ${hex(accepted)}: verified and on disk before the acknowledgement`)

step('A forged one is refused: one bit of the payload is another')
const forged = Uint8Array.from(envelope)
// The signature and its head are the last 66 bytes; the payload ends just before.
const lastPayloadByte = forged.length - 67
forged[lastPayloadByte] = (forged[lastPayloadByte] as number) ^ 1
const refusedForgery = await publish(attacker, topic, forged)
check(refusedForgery === 0x87, `PUBACK ${hex(refusedForgery)}`)

step('A replayed one is refused: the genuine bytes on another topic, and again as a retained message')
const otherTopic = await publish(attacker, 'plant/press-8/temperature', envelope)
check(otherTopic === 0x87, `PUBACK ${hex(otherTopic)} on plant/press-8/temperature: the signature binds the topic`)
const asRetained = await publish(attacker, topic, envelope, true)
check(asRetained === 0x87, `PUBACK ${hex(asRetained)} with the retain flag: a copy may not do more than the original`)

step('An exact copy is acknowledged again, and changes nothing: a device may always send again')
const copy = await publish(attacker, topic, envelope)
check(copy === 0, `PUBACK ${hex(copy)}`)

step('An unsigned one is refused')
const unsigned = await publish(attacker, topic, '99.9')
check(unsigned === 0x87, `PUBACK ${hex(unsigned)}`)

step('Elsewhere unsigned messages pass, and are recorded too')
const elsewhere = await publish(attacker, 'lobby/door', 'open')
check(elsewhere === 0 || elsewhere === 0x10, `PUBACK ${hex(elsewhere)}`)

step('The chain is asked over the admin topic')
const { records } = await admin.request('audit.query', { include: ['payload'] })
for (const { index, kind, outcome, topic: recordTopic, subject, seq, payload } of records) {
  const text = payload === undefined ? '' : ` "${Buffer.from(payload, 'base64url').toString()}"`
  const signer = seq === undefined ? '' : ` by ${subject} #${seq}`
  show(`${index}  ${kind === 'publish' ? `${outcome} ${recordTopic}${text}` : `${kind} ${subject ?? ''}`}${signer}`)
}
check(records.filter(({ topic: t }) => t === topic).length === 1, 'the signed message is in the chain once')
const status = await admin.request('audit.status', {})
show(`refused so far: ${JSON.stringify(status.refused)}`)
// Deliveries travel on another connection than the answers above.
for (let waited = 0; delivered < 2 && waited < 5000; waited += 20) await sleep(20)
check(delivered === 2, `subscribers of # got ${delivered} messages: the signed one and the one from the lobby`)

step('The chain is verified: hashes, links, header signatures, publishers')
const verified = await admin.request('audit.verify', {})
check(verified.ok, `${verified.checked} records, ${verified.signatures} publisher signature`)

step('On a copy, one byte of the stored temperature is altered: verification finds it')
const copyDirectory = join(directory, 'copy')
cpSync(join(directory, 'data'), copyDirectory, { recursive: true })
const database = await openStoreDatabase(copyDirectory, false)
const stored = database.sublevel<Uint8Array, Uint8Array>('chain', { keyEncoding: 'view', valueEncoding: 'view' })
const signedIndex = records.find(({ topic: t }) => t === topic)?.index ?? 0
const store = new LevelAuditStore(database)
for await (const [key, block] of stored.iterator()) {
  const at = Buffer.from(block).lastIndexOf('21.5')
  if (at < 0) continue
  const altered = Uint8Array.from(block)
  altered[at] = '9'.charCodeAt(0)
  await stored.put(key, altered)
}
const found = await verifyStore({ store, brokerKey: broker.chain.genesis.brokerKey })
await database.close()
const { firstBad } = found
check(
  !found.ok && firstBad?.index === signedIndex,
  `damage found at block ${firstBad?.block}, index ${firstBad?.index}`,
)
if (firstBad !== undefined) show(`cause ${firstBad.cause}: ${verifyFaults[firstBad.cause]}`)
show(`the broker's own chain still ends in ${toBase64url(broker.chain.state.previousHash).slice(0, 12)}..., unaltered`)

await Promise.all([device, attacker, watcher].map((client) => client.endAsync()))
await admin.close()

if (values.exit) {
  await broker.close()
  console.log('\nAll steps passed.')
} else {
  console.log(`
All steps passed. The broker stays up; try it from another terminal:

   mosquitto_sub -p ${port} -t '#' -v
   mosquitto_pub -p ${port} -t lobby/door -m closed
   mosquitto_pub -p ${port} -V mqttv5 -q 1 -t ${topic} -m 99.9     (refused: not signed)
   npx notarymq pub -p ${port} --identity ${keyFile} -t ${topic} -m 22.0
   npx notarymq audit query -p ${port}
   npx notarymq audit verify -p ${port}

Ctrl-C ends it and removes ${directory}.`)
  const end = async () => {
    await broker.close()
    process.exit(0)
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}
