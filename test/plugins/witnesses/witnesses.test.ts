import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  AuditChain,
  type CheckpointKeeper,
  nativeCrypto,
  verifierOfWitness,
  type WitnessChange,
  Witnesses,
  type WitnessTrouble,
} from '../../../plugins/index.ts'
import {
  ed25519NoteVerifier,
  encodeSignatureLines,
  type NoteVerifier,
  parseAddCheckpoint,
  parseSignedNote,
  parseVerifierKey,
  signatureBy,
} from '../../../protocol/index.ts'
import { TestAuthority } from '../../helpers/certificates.ts'
import { appendPublishes, openChain, openKeeper } from '../../helpers/checkpointed-chain.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { witnessKey } from '../../helpers/notes.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { openCosigned, serveWitness, startWitness } from '../../helpers/witnessing.ts'

const [one, two] = [witnessKey('example.com/w1', 2), witnessKey('example.com/w2', 3)]

interface Scene {
  readonly chain: AuditChain
  readonly keeper: CheckpointKeeper
  readonly witnesses: Witnesses
  readonly changes: WitnessChange[]
  readonly log: NoteVerifier
  /** Adds records and makes a checkpoint of all. */
  grow(records: number): Promise<void>
}

interface Named {
  readonly vkey: string
  readonly url?: string
}

/** A chain whose checkpoints these witnesses cosign; retries follow at once. */
async function setUp(t: TestContext, named: readonly Named[], options: Partial<SetUp> = {}): Promise<Scene> {
  const { location = temporaryDirectory(t), quorum = named.length } = options
  const chain = await openChain(t, { location })
  const configured = named.map((witness, i) => ({ name: `w${i + 1}`, ...witness }))
  const keeper = await openKeeper(chain, {
    witnesses: configured.map((witness) => verifierOfWitness(witness, nativeCrypto)),
  })
  const changes: WitnessChange[] = []
  const witnesses = await Witnesses.open({
    chain,
    source: keeper,
    witnesses: configured,
    quorum,
    crypto: nativeCrypto,
    onChange: (change) => changes.push(change),
    random: () => -0.49,
  })
  atEnd(t, () => witnesses.close())
  const grow = async (records: number) => {
    await appendPublishes(chain, records)
    await keeper.make()
  }
  const log = ed25519NoteVerifier(parseVerifierKey(chain.logVkey, nativeCrypto), nativeCrypto)
  return { chain, keeper, witnesses, changes, log, grow }
}

interface SetUp {
  readonly location: string
  readonly quorum: number
}

/** Resolves when it is so, looking at every turn of what the scene does. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!holds()) {
    if (Date.now() > deadline) assert.fail('it never was so')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const cosignedSize = ({ witnesses }: Scene, at = 0) => witnesses.status()?.witnesses[at]?.treeSize ?? undefined

type Handler = (body: string, response: ServerResponse) => void

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** A witness of which the test says every answer. @returns its URL, with a path */
async function fakeWitness(t: TestContext, handle: Handler): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url !== '/prefix/add-checkpoint') response.writeHead(404).end()
    else bodyOf(request).then((body) => handle(body, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix/`
}

const linesFor = (body: string, { signer }: typeof one) => {
  const { text } = parseSignedNote(parseAddCheckpoint(body).checkpoint)
  return encodeSignatureLines([signatureBy(signer, text)])
}

test('a checkpoint is cosigned by a real witness over HTTP, the next one from the size of the first, and kept', async (t) => {
  const location = temporaryDirectory(t)
  // Its key is needed to follow it before it can be asked.
  const first = await AuditChain.open({ location })
  const log = ed25519NoteVerifier(parseVerifierKey(first.logVkey, nativeCrypto), nativeCrypto)
  await first.close()
  const witness = await startWitness(t, [log])
  const url = await serveWitness(t, witness)
  const scene = await setUp(t, [{ vkey: witness.vkey, url }], { location })
  scene.witnesses.start()
  for (const size of [6, 600]) {
    await scene.grow(size - scene.chain.nextIndex)
    await until(() => cosignedSize(scene) === size)
    assert.equal(openCosigned(scene.keeper.newest?.note ?? '', log, witness.verifier).treeSize, BigInt(size))
  }
  const status = scene.witnesses.status()
  assert.deepEqual(
    [status?.quorum, status?.met, status?.cosigned, status?.covered, status?.witnesses[0]?.trouble],
    [1, true, ['w1'], 600, null],
  )
  assert.ok(Math.abs(Date.parse(status?.witnesses[0]?.time ?? '') - Date.now()) < 60_000)
})

test('a broker that does not know what was cosigned is told, and one that starts again knows', async (t) => {
  const location = temporaryDirectory(t)
  const requests: string[] = []
  const url = await fakeWitness(t, (body, response) => {
    requests.push(body.split('\n', 1)[0] ?? '')
    if (requests.length === 1) response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('3\n')
    else response.end(linesFor(body, one))
  })
  const named = [{ vkey: one.vkey, url }]
  const first = await setUp(t, named, { location })
  first.witnesses.start()
  await first.grow(9)
  await until(() => cosignedSize(first) === 10)
  await first.witnesses.close()
  await first.chain.close()
  const second = await setUp(t, named, { location })
  assert.equal(cosignedSize(second), 10)
  second.witnesses.start()
  await second.grow(1)
  await until(() => cosignedSize(second) === 11)
  assert.deepEqual(requests, ['old 0', 'old 3', 'old 10'])
})

test('a log that goes on from an older copy of itself is told so by a real witness: ahead, then inconsistent', async (t) => {
  const [location, copy] = [join(temporaryDirectory(t), 'data'), join(temporaryDirectory(t), 'data')]
  const first = await AuditChain.open({ location })
  const log = ed25519NoteVerifier(parseVerifierKey(first.logVkey, nativeCrypto), nativeCrypto)
  await first.close()
  cpSync(location, copy, { recursive: true })
  const witness = await startWitness(t, [log])
  const named = [{ vkey: witness.vkey, url: await serveWitness(t, witness) }]
  const honest = await setUp(t, named, { location })
  honest.witnesses.start()
  await honest.grow(19)
  await until(() => cosignedSize(honest) === 20)
  const rolledBack = await setUp(t, named, { location: copy })
  rolledBack.witnesses.start()
  await rolledBack.grow(5)
  await until(() => rolledBack.changes.at(-1)?.trouble === 'ahead')
  await rolledBack.grow(30)
  await until(() => rolledBack.changes.at(-1)?.trouble === 'inconsistent')
  assert.equal(cosignedSize(rolledBack), undefined)
  assert.equal(await witness.witness.lastSize(honest.chain.genesis.origin), 20n)
})

test('one request is under way at a time, and checkpoints in between are skipped', async (t) => {
  const waiting: { body: string; response: ServerResponse }[] = []
  const url = await fakeWitness(t, (body, response) => waiting.push({ body, response }))
  const scene = await setUp(t, [{ vkey: one.vkey, url }])
  scene.witnesses.start()
  await scene.grow(2)
  await until(() => waiting.length === 1)
  for (let i = 0; i < 4; i++) await scene.grow(1)
  const [first] = waiting
  first?.response.end(linesFor(first.body, one))
  await until(() => waiting.length === 2)
  const [, second] = waiting
  assert.equal(parseSignedNote(parseAddCheckpoint(second?.body ?? '').checkpoint).text.split('\n')[1], '7')
  assert.equal(cosignedSize(scene), 3)
  second?.response.end(linesFor(second.body, one))
  await until(() => cosignedSize(scene) === 7)
  assert.equal(waiting.length, 2)
})

const answers: Readonly<Record<string, readonly [WitnessTrouble, Handler]>> = {
  'a redirect': ['unexpected-status', (_body, response) => response.writeHead(307, { location: '/' }).end()],
  'a server error': ['unexpected-status', (_body, response) => response.writeHead(503).end()],
  'status 400': ['malformed', (_body, response) => response.writeHead(400).end()],
  'status 403': ['untrusted', (_body, response) => response.writeHead(403).end()],
  'status 404': ['unknown-log', (_body, response) => response.writeHead(404).end()],
  'status 422': ['inconsistent', (_body, response) => response.writeHead(422).end()],
  'a size beyond the tree': ['ahead', conflict('1000000\n')],
  'the same size as was sent': ['inconsistent', conflict('0\n')],
  'a size that is none': ['malformed-answer', conflict('many\n')],
  'a conflict without a size': ['malformed-answer', (_body, response) => response.writeHead(409).end('3\n')],
  'no signature line': ['malformed-answer', (_body, response) => response.end('thanks\n')],
  'an endless answer': ['malformed-answer', (_body, response) => response.end('\u2014'.repeat(100_000))],
  'a cosignature by another key': ['no-cosignature', (body, response) => response.end(linesFor(body, two))],
  'a cosignature of another checkpoint': [
    'wrong-signature',
    (_body, response) => response.end(encodeSignatureLines([signatureBy(one.signer, `log\n1\n${'A'.repeat(43)}=\n`)])),
  ],
  'the end of the connection': ['unreachable', (_body, response) => response.destroy()],
}

function conflict(size: string): Handler {
  return (_body, response) => response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(size)
}

for (const [name, [trouble, handle]] of Object.entries(answers)) {
  test(`${name} is ${trouble}: said once, tried again, and forgotten when the witness cosigns`, async (t) => {
    let isWell = false
    let requests = 0
    const url = await fakeWitness(t, (body, response) => {
      requests++
      if (isWell) response.end(linesFor(body, one))
      else handle(body, response)
    })
    const scene = await setUp(t, [{ vkey: one.vkey, url }])
    scene.witnesses.start()
    await scene.grow(4)
    await until(() => requests >= 2)
    assert.deepEqual(
      scene.changes.map((change) => change.trouble),
      [trouble],
    )
    assert.equal(scene.witnesses.status()?.witnesses[0]?.trouble, trouble)
    assert.equal(parseSignedNote(scene.keeper.newest?.note ?? '').signatures.length, 1)
    isWell = true
    await until(() => scene.changes.length === 2)
    assert.equal(cosignedSize(scene), 5)
    assert.deepEqual(
      scene.changes.map((change) => change.trouble),
      [trouble, undefined],
    )
  })
}

test('a size that changes between two requests is busy: somebody else submits', async (t) => {
  let size = 0
  const url = await fakeWitness(t, (_body, response) => conflict(`${++size}\n`)('', response))
  const scene = await setUp(t, [{ vkey: one.vkey, url }])
  scene.witnesses.start()
  await scene.grow(9)
  await until(() => scene.changes.length > 0)
  assert.equal(scene.changes[0]?.trouble, 'busy')
})

test('a witness over TLS whose certificate nobody trusts is unreachable', async (t) => {
  const authority = await TestAuthority.create(temporaryDirectory(t))
  const { key, cert } = await authority.issue({ name: '127.0.0.1', use: 'server' })
  let requests = 0
  const server = createTlsServer({ key, cert }, () => requests++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => server.close())
  const scene = await setUp(t, [{ vkey: one.vkey, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` }])
  scene.witnesses.start()
  await scene.grow(1)
  await until(() => scene.changes.length > 0)
  assert.equal(scene.changes[0]?.trouble, 'unreachable')
  assert.equal(requests, 0)
})

test('of three witnesses two are enough where the quorum says so, and cover what both vouch for', async (t) => {
  const three = witnessKey('example.com/w3', 4)
  const scene = await setUp(t, [{ vkey: one.vkey }, { vkey: two.vkey }, { vkey: three.vkey }], { quorum: 2 })
  await scene.grow(4)
  const bring = (key: typeof one, treeSize: number) => {
    const { text } = parseSignedNote(scene.keeper.recent(treeSize)?.note ?? '')
    return scene.witnesses.accept(treeSize, encodeSignatureLines([signatureBy(key.signer, text)]))
  }
  assert.deepEqual(await bring(one, 5), ['w1'])
  assert.deepEqual([scene.witnesses.status()?.met, scene.witnesses.status()?.covered], [false, 0])
  await scene.grow(3)
  assert.deepEqual(await bring(three, 8), ['w3'])
  assert.deepEqual([scene.witnesses.status()?.met, scene.witnesses.status()?.covered], [false, 5])
  assert.deepEqual(await bring(two, 8), ['w2'])
  const { met, covered, cosigned } = scene.witnesses.status() ?? assert.fail('no status')
  assert.deepEqual([met, covered, cosigned], [true, 8, ['w2', 'w3']])
  assert.deepEqual(await bring(two, 5), [], 'nothing older replaces it')
  assert.equal(await scene.witnesses.accept(7, ''), undefined, 'no checkpoint has this size')
})

test('what is brought is verified: other lines than those of configured witnesses are left out or refused', async (t) => {
  const scene = await setUp(t, [{ vkey: one.vkey }])
  await scene.grow(4)
  const { text, signatures } = parseSignedNote(scene.keeper.newest?.note ?? '')
  const line = encodeSignatureLines([signatureBy(two.signer, text)])
  assert.deepEqual(await scene.witnesses.accept(5, line), [])
  assert.deepEqual(await scene.witnesses.accept(5, encodeSignatureLines(signatures)), [])
  const forged = { ...signatureBy(one.signer, text), signature: new Uint8Array(72) }
  const code = { code: 'ERR_NOTE_SIGNATURE_INVALID' }
  await assert.rejects(scene.witnesses.accept(5, encodeSignatureLines([forged])), code)
  await assert.rejects(scene.witnesses.accept(5, 'nothing\n'), { code: 'ERR_NOTE_MALFORMED' })
  assert.equal(parseSignedNote(scene.keeper.newest?.note ?? '').signatures.length, 1)
})

test('closing ends a request that is under way and a wait for the next one', async (t) => {
  let requests = 0
  const silent = await fakeWitness(t, () => requests++)
  const absent = 'http://127.0.0.1:1'
  const scene = await setUp(t, [
    { vkey: one.vkey, url: silent },
    { vkey: two.vkey, url: absent },
  ])
  scene.witnesses.start()
  await scene.grow(1)
  await until(() => requests === 1 && scene.changes.length === 1)
  await scene.witnesses.close()
  await scene.grow(1)
  assert.equal(requests, 1)
  assert.equal(scene.witnesses.status()?.witnesses[0]?.trouble, null)
})
