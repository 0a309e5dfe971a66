import { parentPort } from 'node:worker_threads'
import type { CryptoProvider } from '../../protocol/index.ts'
import { nativeCrypto, verifyP256Here } from '../native-crypto.ts'
import { BlockInspector, detached, type InspectionAnswer, type InspectionRequest } from './inspection-batch.ts'

const port = parentPort
if (port === null) throw new Error('runs as a worker thread')

/** Run from source, this module is a script, in which `crypto` is taken. */
const cryptoHere: CryptoProvider = {
  ...nativeCrypto,
  verifyP256: async (key, message, signature) => verifyP256Here(key, message, signature),
}
const inspector = new BlockInspector(cryptoHere)

// A throw ends the thread; what it had is then looked at where it came from.
let before: Promise<void> = Promise.resolve()
port.on('message', (request: InspectionRequest & Pick<InspectionAnswer, 'buffer'>) => {
  before = before.then(async () => {
    const inspected = (await inspector.inspect(request)).map(detached)
    const answer: InspectionAnswer = { inspected, buffer: request.buffer }
    port.postMessage(answer, [request.buffer])
  })
})
