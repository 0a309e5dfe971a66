import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ClientError } from '../../clients/errors.ts'
import { readEvidence } from '../../clients/receipts/index.ts'
import {
  type AuditReceiptResult,
  encodeSignatureLines,
  nobleCrypto,
  type PushedReceipt,
  parseSignedNote,
  parseTlogProof,
  receiptTopic,
  signatureBy,
  signPublish,
  toBase64url,
} from '../../protocol/index.ts'
import { withBitFlipped } from '../helpers/bits.ts'
import { startBroker } from '../helpers/broker.ts'
import { runHere } from '../helpers/cli.ts'
import { keysDirectory, publicPem } from '../helpers/key-files.ts'
import { numberedKey } from '../helpers/keys.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { logKey, witnessKey } from '../helpers/notes.ts'
import { runCli } from '../helpers/processes.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const signer = numberedKey(7)

/** A broker with a publish at `index`, and where a receipt for it was written. */
async function withReceipt(t: TestContext, payload: string | Buffer = '21.5', topic = 'plant/1') {
  const options = { checkpointIntervalMs: 100, keysDirectory: keysDirectory(t, { press: signer }) }
  const { broker, location, port } = await startBroker(t, options)
  const client = await TestClient.connect(t, port, { clientId: 'press-7' })
  await client.subscribe(receiptTopic('-'), 0)
  await client.publish(topic, payload)
  const index = broker.chain.state.frontier.size - 1
  const directory = temporaryDirectory(t)
  const name = join(directory, 'proof')
  const at = ['-h', '127.0.0.1', '-p', `${port}`]
  assert.deepEqual(await runHere('audit', 'receipt', `${index}`, '-o', name, ...at).then(({ code }) => code), 0)
  const keys = { vkey: join(location, 'keys', 'log.vkey'), brokerKey: join(location, 'keys', 'broker.pub.pem') }
  const trust = ['--vkey', keys.vkey, '--broker-key', keys.brokerKey]
  return { broker, client, index, directory, name, at, keys, trust }
}

/** What is signed of the checkpoint in a `.tlog-proof`. */
const noteIn = (proof: string) => parseSignedNote(parseTlogProof(proof).checkpoint).text

const verify = (...args: readonly string[]) => runHere('audit', 'verify-receipt', ...args)

test('a receipt is asked for, written and verified by the command line, the last without any broker', async (t) => {
  const { broker, index, name, at, trust } = await withReceipt(t)
  const { origin } = broker.chain.genesis
  const checkpoint = await runCli(t, ['audit', 'checkpoint', ...at])
  assert.deepEqual([checkpoint.code, checkpoint.stderr], [0, ''])
  assert.match(checkpoint.stdout, new RegExp(`^${origin}\n\\d+\n[^\n]+\n\n— ${origin} [^\n]+\n$`))
  const receipt = await runCli(t, ['audit', 'receipt', `${index}`, ...at, '--json'])
  assert.equal((JSON.parse(receipt.stdout) as AuditReceiptResult).index, index)
  await broker.close()
  const { code, stdout, stderr } = await runCli(t, ['audit', 'verify-receipt', `${name}.json`, ...trust])
  assert.deepEqual([code, stderr], [0, ''])
  const [first, ...proved] = stdout.trimEnd().split('\n')
  assert.match(first ?? '', /proof\.json: publish plant\/1, recorded \d{4}-/)
  assert.deepEqual(
    proved.map((line) => line.replace(/ of \d+ /, ' of N ')),
    ['broker key', 'log key'].map((key) => `  leaf ${index} of N in ${origin}, by its ${key}`),
  )
})

test('a topic that somebody else chose hides nothing where its receipt is verified', async (t) => {
  const { name, trust } = await withReceipt(t, '21.5', 'plant/\u202eexe')
  const { code, stdout } = await verify(`${name}.json`, ...trust)
  assert.equal(code, 0)
  assert.ok(stdout.includes('publish plant/\\u{202e}exe, recorded'), stdout)
})

test('each of the three files proves the record by the key that it is for, and needs that key', async (t) => {
  const { name, keys, index } = await withReceipt(t)
  const byLog = ['--vkey', readFileSync(keys.vkey, 'utf8').trim()]
  const byBroker = ['--broker-key', keys.brokerKey]
  const withRecord = ['--record', `${name}.json`]
  const by = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await verify(...args, '--json')
    assert.deepEqual([code, stderr], [0, ''], args.join(' '))
    const { files } = JSON.parse(stdout) as { files: { proved: { by: string; index: number }[] }[] }
    return files.flatMap(({ proved }) => proved).map((one) => [one.by, one.index])
  }
  const [log, broker] = [
    ['log-key', index],
    ['broker-key', index],
  ]
  assert.deepEqual(await by(`${name}.json`, ...byLog), [log])
  assert.deepEqual(await by(`${name}.json`, ...byBroker), [broker])
  assert.deepEqual(await by(`${name}.receipt`, ...byBroker, ...withRecord), [broker])
  assert.deepEqual(await by(`${name}.tlog-proof`, ...byLog, ...withRecord), [log])
  assert.deepEqual(await by(`${name}.receipt`, `${name}.tlog-proof`, ...byBroker, ...byLog, ...withRecord), [
    broker,
    log,
  ])
  for (const args of [
    [`${name}.receipt`, ...byLog, ...withRecord],
    [`${name}.tlog-proof`, ...byBroker, ...withRecord],
    [`${name}.receipt`, ...byBroker],
    [`${name}.json`],
    [`${name}.json`, '--vkey', name],
    [`${name}.json`, '--vkey', witnessKey('w', 1).vkey],
    [],
  ]) {
    assert.equal((await verify(...args)).code, 2, args.join(' '))
  }
})

test('what was pushed on the receipt topic is verified as it came, by both keys', async (t) => {
  const { client, directory, trust } = await withReceipt(t)
  const [pushed] = await client.waitFor(1, ({ topic }) => topic === receiptTopic('-'))
  const file = join(directory, 'pushed.json')
  writeFileSync(file, pushed?.payload ?? '')
  const { code, stdout } = await verify(file, ...trust)
  assert.equal(code, 0)
  assert.equal(stdout.split('\n').filter((line) => /by its (log|broker) key/.test(line)).length, 2)
})

test('a receipt of which anything was altered, or by another key, is no proof', async (t) => {
  const { name, directory, trust, keys, broker } = await withReceipt(t)
  const answer = JSON.parse(readFileSync(`${name}.json`, 'utf8')) as AuditReceiptResult
  const flipped = (text: string, bit: number) => toBase64url(withBitFlipped(Buffer.from(text, 'base64url'), bit))
  const signatureBit = Buffer.from(answer.receipt, 'base64url').length * 8 - 1
  const altered: readonly Partial<PushedReceipt & AuditReceiptResult>[] = [
    { record: flipped(answer.record, 80) },
    { salt: flipped(answer.salt, 0) },
    { receipt: flipped(answer.receipt, signatureBit) },
    { receipt: answer.salt },
    { tlogProof: answer.tlogProof.replace(/index \d+/, 'index 0') },
    { tlogProof: answer.tlogProof.replace(/\n\d+\n/, '\n999\n') },
    { tlogProof: 'none' },
    { index: answer.index + 1 },
  ]
  const file = join(directory, 'altered.json')
  for (const change of altered) {
    writeFileSync(file, JSON.stringify({ ...answer, ...change }))
    const { code, stdout } = await verify(`${name}.json`, file, ...trust)
    assert.deepEqual(
      [code, stdout.split('\n').at(-2)],
      [1, `BAD: ${file} does not prove its record`],
      Object.keys(change)[0],
    )
  }
  const otherKey = join(directory, 'other.pem')
  writeFileSync(otherKey, publicPem(numberedKey(3)))
  const { origin } = broker.chain.genesis
  for (const args of [
    ['--broker-key', otherKey],
    ['--vkey', logKey(origin, 9).vkey],
    ['--vkey', logKey('another.example', 9).vkey, '--broker-key', keys.brokerKey],
  ]) {
    assert.equal((await verify(`${name}.json`, ...args)).code, 1, args.join(' '))
  }
})

test('a policy demands that so many witnesses cosigned, and counts each by its own key', async (t) => {
  const { name, directory, broker, index, keys } = await withReceipt(t)
  const [near, far, third] = [witnessKey('near.example', 2), witnessKey('far.example', 3), witnessKey('third', 4)]
  const answer = JSON.parse(readFileSync(`${name}.json`, 'utf8')) as AuditReceiptResult
  const lines = encodeSignatureLines([near, far].map(({ signer }) => signatureBy(signer, noteIn(answer.tlogProof))))
  writeFileSync(join(directory, 'seen.tlog-proof'), `${answer.tlogProof}${lines}`)
  const policyFile = join(directory, 'policy')
  const by = (witnesses: readonly string[], threshold: string) => {
    const named = witnesses.map((vkey, i) => `witness w${i} ${vkey}\n`).join('')
    const names = witnesses.map((_, i) => `w${i}`).join(' ')
    const group = `group g ${threshold} ${names}\nquorum g\n`
    writeFileSync(policyFile, `log ${broker.chain.logVkey}\n${named}${group}`)
  }
  const check = (file: string, ...more: readonly string[]) =>
    verify(file, '--policy', policyFile, '--record', `${name}.json`, ...more)
  const seen = join(directory, 'seen.tlog-proof')
  const all = [near.vkey, far.vkey, third.vkey]
  by(all, '2')
  const { code, stdout } = await check(seen, '--json')
  const { proved } = JSON.parse(stdout).files[0]
  assert.deepEqual([code, proved[0].index, proved[0].cosignedBy], [0, index, ['w0', 'w1']])
  assert.match((await check(seen)).stdout, /, cosigned by w0, w1\n$/)
  assert.equal((await check(`${name}.tlog-proof`)).code, 1, 'nobody cosigned it')
  assert.equal((await check(`${name}.json`, '--broker-key', keys.brokerKey)).code, 1, 'nor this, whoever else signed')
  by(all, 'all')
  assert.equal((await check(seen)).code, 1)
  // Of the same names, but other keys.
  by([witnessKey('near.example', 5).vkey, far.vkey], 'all')
  assert.equal((await check(seen)).code, 1)
  by(all, '2')
  assert.equal((await check(`${name}.receipt`, '--broker-key', keys.brokerKey)).code, 2, 'it has no cosignatures')
  assert.equal((await check(seen, '--vkey', broker.chain.logVkey)).code, 2)
  writeFileSync(policyFile, 'quorum nobody\n')
  assert.equal((await check(seen)).code, 2)
})

test('a file that is no receipt is ERR_RECEIPT_FILE', async (t) => {
  const { name, directory } = await withReceipt(t)
  const answer = JSON.parse(readFileSync(`${name}.json`, 'utf8')) as AuditReceiptResult
  const file = join(directory, 'bad.json')
  const contents = [
    '',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...answer, index: 'one' }),
    JSON.stringify({ ...answer, salt: '=' }),
    JSON.stringify({ ...answer, receipt: undefined }),
    JSON.stringify({ ...answer, receipt: answer.salt, tlogProof: undefined }),
    ' '.repeat(5 * 1024 * 1024),
  ]
  const isRefused = (run: () => unknown) =>
    assert.throws(run, (error) => error instanceof ClientError && error.code === 'ERR_RECEIPT_FILE')
  for (const content of contents) {
    writeFileSync(file, content)
    isRefused(() => readEvidence(file, undefined))
  }
  isRefused(() => readEvidence(join(directory, 'missing.json'), undefined))
  isRefused(() => readEvidence(`${name}.receipt`, undefined))
  assert.equal((await verify(join(directory, 'missing.json'), '--vkey', logKey('a', 1).vkey)).code, 2)
})

test('of a signed publish the envelope is written with the receipt attached, and proves who signed what', async (t) => {
  const message = { topic: 'plant/1', payload: Buffer.from('21.5'), seq: 1, timeMs: Date.now() }
  const envelope = signPublish(signer, signer.thumbprint, message, nobleCrypto)
  const { broker, index, directory, name, at, keys } = await withReceipt(t, Buffer.from(envelope))
  assert.equal(broker.chain.state.frontier.size > index, true)
  const payload = join(directory, 'payload')
  const publisher = join(directory, 'publisher.pem')
  writeFileSync(payload, '21.5')
  writeFileSync(publisher, publicPem(signer))
  const trust = ['--broker-key', keys.brokerKey, '--record', `${name}.json`]
  const signed = ['--publisher-key', publisher, '--payload', payload]
  const { code, stdout } = await verify(`${name}.statement`, ...trust, ...signed)
  assert.equal(code, 0)
  assert.match(stdout, /by its broker key; signed by the publisher, with this payload$/m)
  const inclusion = await verify(`${name}.statement`, ...trust)
  assert.equal(inclusion.code, 0)
  assert.doesNotMatch(inclusion.stdout, /signed by the publisher/)
  writeFileSync(payload, '99.9')
  assert.equal((await verify(`${name}.statement`, ...trust, ...signed)).code, 1)
  writeFileSync(payload, '21.5')
  writeFileSync(publisher, publicPem(numberedKey(8)))
  assert.equal((await verify(`${name}.statement`, ...trust, ...signed)).code, 1)
  assert.equal((await verify(`${name}.receipt`, ...trust, ...signed)).code, 2)
  assert.equal((await verify(`${name}.statement`, ...trust, '--payload', payload)).code, 2)
  const bytes = readFileSync(`${name}.statement`)
  writeFileSync(`${name}.statement`, bytes.subarray(0, -1))
  assert.equal((await verify(`${name}.statement`, ...trust)).code, 2)
  assert.equal(
    await runHere('audit', 'receipt', '0', '-o', join(directory, 'genesis'), ...at).then((one) => one.code),
    0,
  )
  assert.ok(!existsSync(join(directory, 'genesis.statement')))
})
