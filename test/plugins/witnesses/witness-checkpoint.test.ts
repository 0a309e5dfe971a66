import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { checkpointOfWitness, nativeCrypto, type WitnessAttemptFailed } from '../../../plugins/index.ts'
import {
  addCheckpointStatus,
  encodeSignatureLines,
  parseSignedNote,
  signatureBy,
  toHex,
  withCosignatures,
} from '../../../protocol/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { type TestNoteKey, witnessKey } from '../../helpers/notes.ts'
import { growingLog } from '../../helpers/test-log.ts'
import { serveWitness, startWitness } from '../../helpers/witnessing.ts'

const log = growingLog('example.com/log', 9)
const before = growingLog('example.com/before', 7, 2)
const key = witnessKey('example.com/w', 3)
const pathOf = (origin: string) => `/${toHex(nativeCrypto.sha256(Buffer.from(origin)))}/checkpoint`

/** The note with one more signature. */
function cosignedBy(note: string, { signer, verifier }: TestNoteKey): string {
  const lines = encodeSignatureLines([signatureBy(signer, parseSignedNote(note).text)])
  return withCosignatures(note, Buffer.from(lines), [verifier])
}

const identities = [log, before].map(({ origin }) => ({ origin, brokerKeys: [], logKeys: [] }))

/** What a witness at a URL is taken to have cosigned, and why it was not heard. */
async function readFrom(url: string, vkey = key.vkey) {
  const unheard: WitnessAttemptFailed[] = []
  const onUnheard = (failure: WitnessAttemptFailed) => unheard.push(failure)
  const source = checkpointOfWitness({ witness: { name: 'w', vkey, url }, crypto: nativeCrypto, onUnheard })
  const kept = await source.read(identities)
  return { note: kept?.note, troubles: unheard.map(({ trouble }) => trouble) }
}

type Answer = (path: string, response: ServerResponse) => void

async function serve(t: TestContext, answer: Answer): Promise<string> {
  const server = createServer((request, response) => answer(request.url ?? '', response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()))
  atEnd(t, close)
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix/`
}

test('the checkpoint that a witness cosigned last is what the chain must extend', async (t) => {
  const witness = await startWitness(t, [log.key.verifier])
  const url = await serveWitness(t, witness)
  assert.deepEqual(await readFrom(url, witness.vkey), { note: undefined, troubles: [] })
  assert.equal((await witness.witness.answer(log.request(0, 5))).status, addCheckpointStatus.cosigned)
  const { note, troubles } = await readFrom(url, witness.vkey)
  assert.equal(parseSignedNote(note ?? '').text, parseSignedNote(log.checkpoint(5)).text)
  assert.deepEqual(troubles, [])
})

test('a log that continues another is compared with what was cosigned of that, where nothing is cosigned of it', async (t) => {
  const note = cosignedBy(before.checkpoint(7), key)
  const url = await serve(t, (path, response) => {
    if (path === `/prefix${pathOf(before.origin)}`) response.end(note)
    else response.writeHead(404).end()
  })
  assert.deepEqual(await readFrom(url), { note, troubles: [] })
})

const isCosigned = cosignedBy(log.checkpoint(9), key)
const unheard: readonly (readonly [what: string, trouble: string, answer: Answer])[] = [
  ['an error', 'unexpected-status', (_path, response) => response.writeHead(500).end(isCosigned)],
  ['a redirect', 'unexpected-status', (_path, response) => response.writeHead(302, { location: '/' }).end()],
  ['a connection that breaks', 'unreachable', (_path, response) => response.destroy()],
  ['no checkpoint', 'malformed-answer', (_path, response) => response.end('<html>please log in</html>')],
  ['too much', 'malformed-answer', (_path, response) => response.end(Buffer.alloc(100_000, 10))],
  ['a note that is no checkpoint', 'malformed-answer', (_path, response) => response.end('text\n\n— w AAAAAA==\n')],
  [
    'a cosigned checkpoint of another log',
    'malformed-answer',
    (_path, response) => response.end(cosignedBy(before.checkpoint(7), key)),
  ],
  ['a checkpoint without a cosignature', 'no-cosignature', (_path, response) => response.end(log.checkpoint(9))],
  [
    'a cosignature by somebody else',
    'no-cosignature',
    (_path, response) => {
      const other = witnessKey('example.com/other', 4)
      response.end(cosignedBy(log.checkpoint(9), other))
    },
  ],
  [
    'a cosignature of something else',
    'wrong-signature',
    (_path, response) => {
      const [, lines = ''] = isCosigned.split('\n\n')
      response.end(`${parseSignedNote(log.checkpoint(8)).text}\n${lines}`)
    },
  ],
]

for (const [what, trouble, answer] of unheard) {
  test(`${what} instead of a cosigned checkpoint is told, and is nothing that the chain is compared with: ${trouble}`, async (t) => {
    assert.deepEqual(await readFrom(await serve(t, answer)), { note: undefined, troubles: [trouble] })
  })
}

test('a witness that does not answer is waited for no longer than some seconds', async (t) => {
  const responses: ServerResponse[] = []
  const url = await serve(t, (_path, response) => responses.push(response))
  assert.deepEqual(await readFrom(url), { note: undefined, troubles: ['timeout'] })
  for (const response of responses) response.destroy()
})
