import { parentPort } from 'node:worker_threads'
import { argon2id } from '@noble/hashes/argon2.js'

/** What the thread is asked for; `cost` is within the bounds of `parsePasswordHash`. */
export interface Argon2Request {
  readonly id: number
  readonly password: Uint8Array
  readonly salt: Uint8Array
  readonly cost: { readonly m: number; readonly t: number; readonly p: number; readonly dkLen: number }
}

export interface Argon2Answer {
  readonly id: number
  readonly hash: Uint8Array
}

const port = parentPort
if (port === null) throw new Error('runs as a worker thread')
// A throw, as when there is no memory, ends the thread; whoever waits is told and the next request starts another.
port.on('message', ({ id, password, salt, cost }: Argon2Request) => {
  port.postMessage({ id, hash: argon2id(password, salt, cost) } satisfies Argon2Answer)
})
