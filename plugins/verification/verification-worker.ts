import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import type { P256PublicKey } from '../../protocol/index.ts'
import { type UnpackedJob, unpackBatch } from './batch.ts'

const port = parentPort
if (port === null) throw new Error('runs as a worker thread')

/** By slot; undefined for what is no point of the curve, under which no signature is valid. */
const keys: (KeyObject | undefined)[] = []

function keyObject({ x, y }: P256PublicKey): KeyObject | undefined {
  const coordinate = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
  try {
    const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(x), y: coordinate(y) }
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    // OpenSSL refuses to build the key: the answer, not a failure.
    return undefined
  }
}

function isValid({ slot, newKey, signature, message }: UnpackedJob): boolean {
  if (newKey !== undefined) keys[slot] = keyObject(newKey)
  const key = keys[slot]
  return key !== undefined && verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

// A throw ends the thread; the queue gives what it had to another one.
port.on('message', (batch: ArrayBuffer) => {
  port.postMessage(Uint8Array.from(unpackBatch(batch), (job) => (isValid(job) ? 1 : 0)))
})
