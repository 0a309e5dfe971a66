import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, createServer } from 'node:tls'
import {
  generateIdentity,
  type Identity,
  loadIdentity,
  reserveSequenceNumber,
} from '../../../clients/identity/index.ts'
import {
  detachedProperty,
  nobleCrypto,
  signPublish,
  signPublishDetached,
  toBase64url,
} from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { freePort, startBroker } from '../../helpers/broker.ts'
import { TestAuthority } from '../../helpers/certificates.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { runHere } from '../../helpers/cli.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { pythonClientJson, runPythonClient, startPythonSub } from '../../helpers/python.ts'
import { sha256Base64url } from '../../helpers/signing.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { hasPython } from '../../helpers/tools.ts'

const topic = 'plant/press-7/temperature'

/** A broker that knows a device, whose key file is in a directory of trusted keys. */
async function startWithDevice(t: TestContext, protect: { signed: true; mac?: true }) {
  const running = await startBroker(t, { protect: [{ filter: 'plant/#', ...protect }] })
  const keys = temporaryDirectory(t)
  const identity = newIdentity(keys, 'press-7')
  await running.broker.chain.enroll(identity.key, 'press-7')
  const admin = await TestAdmin.connect(t, running.port)
  const at = ['-h', '127.0.0.1', '-p', `${running.port}`]
  return { ...running, keys, identity, admin, at, known: ['--known-brokers', join(keys, 'known-brokers')] }
}

function newIdentity(directory: string, name: string): Identity {
  const path = join(directory, `${name}.pem`)
  generateIdentity(path)
  return loadIdentity(path)
}

/** Publishes with `python3 -m notarymq pub`, which must succeed. */
async function pub(t: TestContext, args: readonly string[]): Promise<{ seq?: number; kid?: string }> {
  const { code, stdout, stderr } = await runPythonClient(t, 'notarymq', ['pub', ...args, '--json'])
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, args.join(' '))
  return JSON.parse(stdout)
}

const hexOf = (text: string) => Buffer.from(text).toString('hex')

for (const version of ['mqttv31', 'mqttv311', 'mqttv5']) {
  test(`what Python signs and MACs with ${version}, the broker verifies and records`, async (t) => {
    if (!hasPython(t)) return
    const { admin, identity, at, known } = await startWithDevice(t, { signed: true, mac: true })
    const carriers = version === 'mqttv5' ? [[], ['--detached']] : [[]]
    const sent: number[] = []
    for (const carrier of carriers) {
      const what = ['-t', topic, '-m', '21.5', '-q', '2', '--identity', identity.path, '--mac', ...carrier]
      const { seq, kid } = await pub(t, [...at, ...known, '-V', version, ...what])
      assert.equal(kid, toBase64url(identity.thumbprint))
      sent.push(seq ?? 0)
    }
    const records = await admin.publishes()
    assert.deepEqual(
      records.map((record) => [record.outcome, record.subject, record.mac, record.qos, record.seq]),
      sent.map((seq) => ['signed', 'press-7', true, 2, seq]),
    )
    for (const { payloadSha256 } of records) assert.equal(payloadSha256, sha256Base64url('21.5'))
    // The exchange and the publish take a number each.
    assert.deepEqual(
      sent,
      carriers.map((_, i) => 2 * (i + 1)),
    )
    await admin.verifies(2 * sent.length)
  })
}

test('Python says why the broker refuses, with every version', async (t) => {
  if (!hasPython(t)) return
  const { at, admin, keys } = await startWithDevice(t, { signed: true })
  const stranger = newIdentity(keys, 'stranger')
  for (const version of ['mqttv31', 'mqttv311', 'mqttv5']) {
    for (const [cause, more] of [
      ['not-signed', ['-q', '1']],
      ['unknown-key', ['--identity', stranger.path]],
    ] as const) {
      const args = ['pub', ...at, '-V', version, '-t', topic, '-m', 'x', ...more]
      const { code, stderr } = await runPythonClient(t, 'notarymq', args)
      assert.deepEqual([code, stderr], [1, `notarymq pub: the broker refused: ${cause}\n`], version)
    }
  }
  assert.deepEqual(await admin.publishes(), [])
})

test('what our command line signs, Python verifies, and names who signed it', async (t) => {
  if (!hasPython(t)) return
  const { identity, keys, port, at, known } = await startWithDevice(t, { signed: true })
  const sub = await startPythonSub(t, port, ['-t', 'ready', '-t', 'plant/#', '--keys', keys])
  for (const [text, more] of [
    ['attached', []],
    ['detached', ['--detached']],
    ['with a MAC', ['--mac', ...known]],
  ] as const) {
    const { code, stderr, stdout } = await runHere(
      ...['pub', ...at, '-t', topic, '-m', text, '--identity', identity.path, '--json', ...more],
    )
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    const { verified, unverified } = await sub.message(new RegExp(hexOf(text)))
    const { seq, kid } = JSON.parse(stdout)
    assert.deepEqual([verified?.subject, verified?.kid, verified?.seq, unverified], ['press-7', kid, seq, undefined])
  }
})

test('Python refuses what was altered, moved, made by a stranger or not signed, each with its reason', async (t) => {
  if (!hasPython(t)) return
  // A broker that knows none of the keys passes everything on: the subscriber is on its own.
  const { port } = await startBroker(t)
  const keys = temporaryDirectory(t)
  const identity = newIdentity(keys, 'press-7')
  const stranger = newIdentity(temporaryDirectory(t), 'stranger')
  const sub = await startPythonSub(t, port, ['-t', 'ready', '-t', 'plant/#', '--keys', keys])
  const client = await TestClient.connect(t, port)
  const toSign = (payload: string) => ({ topic, payload: Buffer.from(payload), seq: 1, timeMs: Date.now() })
  const sign = (by: Identity, payload: string) => signPublish(by.key, by.thumbprint, toSign(payload), nobleCrypto)
  const altered = (payload: string) => {
    const envelope = Buffer.from(sign(identity, payload))
    envelope[envelope.indexOf(payload)] = 'X'.charCodeAt(0)
    return envelope
  }
  const beside = (value: string) => ({
    qos: 1 as const,
    properties: { userProperties: { [detachedProperty]: value } },
  })
  const detached = signPublishDetached(identity.key, identity.thumbprint, toSign('detached'), nobleCrypto)

  const cases: [string, string | undefined, () => Promise<number>][] = [
    ['genuine', undefined, () => client.publish(topic, sign(identity, 'genuine'))],
    ['Xltered', 'signature-invalid', () => client.publish(topic, altered('altered'))],
    ['moved', 'signature-invalid', () => client.publish('plant/elsewhere', sign(identity, 'moved'))],
    ['strange', 'unknown-key', () => client.publish(topic, sign(stranger, 'strange'))],
    ['plain', 'unsigned', () => client.publish(topic, 'plain')],
    ['detached', undefined, () => client.publish(topic, 'detached', beside(detached))],
    ['other payload', 'signature-invalid', () => client.publish(topic, 'other payload', beside(detached))],
    ['no property', 'malformed', () => client.publish(topic, 'no property', beside('AA'))],
  ]
  for (const [payload, reason, publish] of cases) {
    assert.equal(await publish(), 0)
    const { verified, unverified } = await sub.message(new RegExp(hexOf(payload)))
    assert.deepEqual([verified?.subject, unverified], [reason === undefined ? 'press-7' : undefined, reason], payload)
  }
})

test('only verified messages are printed when Python is told so', async (t) => {
  if (!hasPython(t)) return
  const { identity, keys, port } = await startWithDevice(t, { signed: true })
  const client = await TestClient.connect(t, port)
  await client.publish('open/door', 'unsigned', { qos: 1, retain: true })
  const signed = { topic: 'open/gate', payload: Buffer.from('signed'), seq: 1, timeMs: Date.now() }
  const envelope = signPublish(identity.key, identity.thumbprint, signed, nobleCrypto)
  await client.publish('open/gate', envelope, { qos: 1, retain: true })
  const args = ['-h', '127.0.0.1', '-p', `${port}`, '-t', 'open/#', '--keys', keys, '-C', '1', '--verified-only']
  const { code, stdout } = await runPythonClient(t, 'notarymq', ['sub', ...args])
  assert.equal(code, 0)
  assert.match(stdout, /^open\/gate signed {2}\[press-7 #1 [0-9T:.-]+Z\]\n$/)
})

test('both languages take the sequence numbers of a key from one file, at the same time, also when one dies', async (t) => {
  if (!hasPython(t)) return
  const { path } = newIdentity(temporaryDirectory(t), 'shared')
  const script = `
import json, os, sys, time; from notarymq import Identity, sequence
identity = Identity.load(sys.argv[1])
print(json.dumps([identity.reserve_number() for _ in range(50)]))
while int(open(sys.argv[1] + '.seq').read()) < 101:
    time.sleep(0.01)
if os.fork() == 0:
    with sequence._locked(sys.argv[1] + '.seq.lock'):
        os._exit(0)
os.wait()`
  const inPython = pythonClientJson<number[]>(t, script, [path])
  const ours: number[] = []
  // One at a time, so that the other process gets its turns.
  for (let i = 0; i < 50; i++) {
    ours.push(reserveSequenceNumber(path))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const theirs = (await inPython).flat()
  const all = [...ours, ...theirs].sort((a, b) => a - b)
  assert.deepEqual(
    all,
    Array.from({ length: 100 }, (_, i) => i + 1),
  )
  // A process of the other language died with the lock, which this one takes over.
  assert.equal(existsSync(`${path}.seq.lock`), true)
  assert.equal(reserveSequenceNumber(path), 101)
})

test('what Python encrypts nobody reads but who has the key, not even the broker', async (t) => {
  if (!hasPython(t)) return
  const { identity, keys, port, admin, at } = await startWithDevice(t, { signed: true })
  const psk = join(keys, 'psk')
  writeFileSync(psk, `line-1:${'5a'.repeat(16)}\n`, { mode: 0o600 })
  const otherPsk = join(keys, 'other-psk')
  writeFileSync(otherPsk, `line-1:${'a5'.repeat(16)}\n`, { mode: 0o600 })
  const filters = ['-t', 'ready', '-t', 'plant/#', '--keys', keys]
  const reader = await startPythonSub(t, port, [...filters, '--psk-file', psk])
  const curious = await startPythonSub(t, port, filters)
  const wrong = await startPythonSub(t, port, [...filters, '--psk-file', otherPsk])
  const secret = 'the recipe of press 7'
  const encryption = ['--psk-file', psk, '--encrypt-with', 'line-1']
  await pub(t, [...at, '-t', topic, '-m', secret, '--identity', identity.path, ...encryption])

  const read = await reader.message(/plant/)
  assert.equal(Buffer.from(read.payloadHex, 'hex').toString(), secret)
  assert.deepEqual([read.verified?.subject, read.encrypted, read.undecrypted], ['press-7', true, undefined])
  for (const [sub, reason] of [
    [curious, 'no-key'],
    [wrong, 'not-authentic'],
  ] as const) {
    const { payloadHex, verified, undecrypted } = await sub.message(/plant/)
    assert.deepEqual([payloadHex, verified?.subject, undecrypted], ['', 'press-7', reason])
  }
  const [record] = await admin.publishes({ topic, include: ['payload'] })
  assert.equal(record?.outcome, 'signed')
  const stored = Buffer.from(record.payload ?? '', 'base64url')
  assert.equal(stored[0], 0xd0, 'a COSE_Encrypt0')
  assert.ok(!stored.includes('recipe'))
})

test('Python verifies the receipt for what it published, and refuses it for anything else', async (t) => {
  if (!hasPython(t)) return
  const { identity, port, location, admin } = await startWithDevice(t, { signed: true })
  const script = `
import json, sys
from notarymq import *
from notarymq.receipts import is_for
from notarymq.topics import OWN_RECEIPTS
port, key, broker_key, topic = sys.argv[1:]
broker = load_public_key(broker_key)
with Client(Settings("127.0.0.1", int(port)), Identity.load(key)) as client:
    client.subscribe(OWN_RECEIPTS, 0)
    sent = client.publish(topic, b"21.5")
    receipt = client.receive_receipt(20)
proved = verify_receipt(receipt, broker)
print(json.dumps({
    "index": proved.index,
    "isForIt": is_for(proved, topic, b"21.5", sent.seq),
    "isForOther": is_for(proved, topic, b"99.9", sent.seq),
}))
for changes in ({"index": proved.index + 1}, {"salt": receipt["salt"][::-1]}):
    try:
        verify_receipt({**receipt, **changes}, broker)
    except NotaryError as error:
        print(json.dumps({"code": error.code}))`
  const brokerKey = join(location, 'keys', 'broker.pub.pem')
  const lines = await pythonClientJson(t, script, [`${port}`, identity.path, brokerKey, topic])
  const [record] = await admin.publishes({ topic })
  assert.deepEqual(lines, [
    { index: record?.index, isForIt: true, isForOther: false },
    { code: 'ERR_RECEIPT_INVALID' },
    { code: 'ERR_RECEIPT_INVALID' },
  ])
})

test('Python keeps to the key that it met a broker with, as our command line does, and sends another broker nothing', async (t) => {
  if (!hasPython(t)) return
  const { identity, port, known, keys, at, location } = await startWithDevice(t, { signed: true })
  const met = await runHere('identity', ...at, ...known)
  assert.equal(met.code, 0, met.stderr)
  const message = ['-t', topic, '-m', '21.5', '--identity', identity.path, '--mac']
  await pub(t, [...at, ...known, ...message])

  const impostor = await startWithDevice(t, { signed: true })
  const file = join(keys, 'known-brokers')
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(`:${port} `, `:${impostor.port} `))
  const there = ['-h', '127.0.0.1', '-p', `${impostor.port}`, ...message]
  const brokerKey = join(location, 'keys', 'broker.pub.pem')
  for (const pin of [known, ['--broker-key', brokerKey, '--known-brokers', join(keys, 'none')]]) {
    const { code, stdout, stderr } = await runPythonClient(t, 'notarymq', ['pub', ...there, ...pin])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^notarymq pub: the broker did not prove who it is: [^\n]+\n$/)
  }
  const withoutMac = ['-t', 'open/door', '-m', 'open', '--broker-key', brokerKey]
  const { code } = await runPythonClient(t, 'notarymq', ['pub', ...there.slice(0, 4), ...withoutMac])
  assert.equal(code, 1)
  assert.deepEqual(await impostor.admin.publishes(), [])
})

test('what goes wrong in Python is told in one line with the right exit code', async (t) => {
  if (!hasPython(t)) return
  const { at, keys, identity } = await startWithDevice(t, { signed: true })
  const message = ['-t', topic, '-m', 'x']
  const passphrase = join(keys, 'passphrase')
  writeFileSync(passphrase, 'open sesame\n')
  const otherPassphrase = join(keys, 'other-passphrase')
  writeFileSync(otherPassphrase, 'open barley\n')
  const locked = join(keys, 'locked.pem')
  generateIdentity(locked, 'open sesame')
  const nobody = ['-h', '127.0.0.1', '-p', `${await freePort()}`]
  const mistakes = {
    'no key file': ['pub', ...at, ...message, '--identity', join(keys, 'none.pem')],
    'no passphrase': ['pub', ...at, ...message, '--identity', locked],
    'another passphrase': ['pub', ...at, ...message, '--identity', locked, '--passphrase-file', otherPassphrase],
    'nobody listening': ['pub', ...nobody, ...message],
    'pre-shared keys, and none of them named': ['pub', ...at, ...message, '--psk-file', join(keys, 'psk')],
    'no pre-shared key': ['pub', ...at, ...message, '--encrypt-with', 'line-1'],
    'a MAC without a key': ['pub', ...at, ...message, '--mac', '--known-brokers', join(keys, 'known')],
    'detached before MQTT 5': ['pub', ...at, ...message, '--detached', '--identity', identity.path, '-V', 'mqttv311'],
    'no message in time': ['sub', ...at, '-t', 'never', '-W', '0.1'],
    'a file that is not there': ['pub', ...at, '-t', topic, '-f', join(keys, 'none')],
  }
  // One after the other in one process: to start each anew takes longer than what they do.
  const script = `
import contextlib, io, json, sys; from notarymq.__main__ import main
for args in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(args)
    print(json.dumps([code, out.getvalue(), err.getvalue()]))`
  const outcomes = await pythonClientJson<[number, string, string]>(t, script, [
    JSON.stringify(Object.values(mistakes)),
  ])
  for (const [at, name] of Object.keys(mistakes).entries()) {
    const [code, stdout, stderr = ''] = outcomes[at] ?? []
    assert.deepEqual([code, stdout], [2, ''], `${name}: ${stderr}`)
    assert.match(stderr, /^notarymq (pub|sub): [^\n]+\n$/, name)
  }
  // The passphrase that our command line set is the one that Python opens it with.
  const opened = ['pub', ...at, ...message, '--identity', locked, '--passphrase-file', passphrase]
  const { code, stderr } = await runPythonClient(t, 'notarymq', opened)
  assert.deepEqual([code, stderr], [1, 'notarymq pub: the broker refused: unknown-key\n'])
})

test('a Python client that lost its sequence numbers goes on after the highest one that the broker knows', async (t) => {
  if (!hasPython(t)) return
  const { identity, port, at, known } = await startWithDevice(t, { signed: true })
  const client = await TestClient.connect(t, port)
  const last = { topic, payload: Buffer.from('21.5'), seq: 700, timeMs: Date.now() }
  assert.equal(await client.publish(topic, signPublish(identity.key, identity.thumbprint, last, nobleCrypto)), 0)
  const { seq } = await pub(t, [...at, ...known, '-t', topic, '-m', '21.6', '--identity', identity.path, '--mac'])
  assert.equal(seq, 701)
})

test('a refusal at QoS 0, which nothing acknowledges, stands among the refusals of a Python client', async (t) => {
  if (!hasPython(t)) return
  const { port } = await startWithDevice(t, { signed: true })
  const script = `
import json, sys; from notarymq import *
with Client(Settings("127.0.0.1", int(sys.argv[1]))) as client:
    client.publish("plant/door", b"open", qos=0)
    client.publish("other/door", b"open", qos=1)
    print(json.dumps([[refusal.topic, refusal.qos, refusal.cause] for refusal in client.refusals]))`
  assert.deepEqual(await pythonClientJson(t, script, [`${port}`]), [[['plant/door', 0, 'not-signed']]])
})

test('messages that a Python program does not take end its connection when there are too many: none is lost in between', async (t) => {
  if (!hasPython(t)) return
  const { port } = await startBroker(t)
  const script = `
import json, sys, time; from notarymq import *; from notarymq import connection
connection._MAX_WAITING_MESSAGES = 2
at = Settings("127.0.0.1", int(sys.argv[1]))
with Client(at) as reader, Client(at) as writer:
    reader.subscribe("a")
    for text in (b"1", b"2", b"3"):
        writer.publish("a", text)
    while not reader.connection._is_closed:
        time.sleep(0.01)
    got = [reader.receive().payload.decode() for _ in range(2)]
    try:
        reader.receive()
    except NotaryError as error:
        print(json.dumps([got, error.code]))`
  assert.deepEqual(await pythonClientJson(t, script, [`${port}`]), [[['1', '2'], 'ERR_CONNECTION']])
})

test('over TLS Python notices who stands in between, even with a certificate of the same authority', async (t) => {
  if (!hasPython(t)) return
  const authority = await TestAuthority.create(temporaryDirectory(t))
  const [own, other] = [
    await authority.issue({ name: 'broker', use: 'server' }),
    await authority.issue({ name: 'relay', use: 'server' }),
  ]
  const keys = temporaryDirectory(t)
  const identity = newIdentity(keys, 'press-7')
  const { broker } = await startBroker(t, {
    listeners: [{ protocol: 'mqtt', port: 0, host: '127.0.0.1', tls: own }],
  })
  await broker.chain.enroll(identity.key, 'press-7')
  const port = broker.listeners[0]?.port ?? 0
  const relay = createServer({ cert: other.cert, key: other.key }, (client) => {
    const onward = connect({ host: '127.0.0.1', port, ca: authority.cert })
    client.pipe(onward).pipe(client)
    for (const [one, peer] of [
      [client, onward],
      [onward, client],
    ] as const) {
      one.on('error', () => peer.destroy())
      one.on('close', () => peer.destroy())
    }
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  atEnd(t, () => relay.close())
  const { port: relayPort } = relay.address() as AddressInfo

  const before = broker.chain.state.frontier.size
  const message = ['-t', topic, '-m', '21.5', '--identity', identity.path, '--mac', '--cafile', authority.caFile]
  const known = ['--known-brokers', join(keys, 'known-brokers')]
  assert.equal((await pub(t, ['-h', '127.0.0.1', '-p', `${port}`, ...known, ...message])).seq, 2)
  const between = ['pub', '-h', '127.0.0.1', '-p', `${relayPort}`, ...known, ...message]
  const { code, stderr } = await runPythonClient(t, 'notarymq', between)
  assert.equal(code, 1)
  assert.match(
    stderr,
    /^notarymq pub: the broker did not prove who it is: this connection ends at another certificate\n$/,
  )
  // A session and a publish: nothing came through the relay.
  assert.equal(broker.chain.state.frontier.size, before + 2)
})
