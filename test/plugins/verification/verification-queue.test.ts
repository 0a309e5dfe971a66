import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { startWorker } from '../../../plugins/start-worker.ts'
import {
  VerificationError,
  type VerificationJob,
  VerificationQueue,
  type VerificationQueueOptions,
} from '../../../plugins/verification/index.ts'
import { fromHex } from '../../../protocol/index.ts'
import { key11, keyMeriadoc, numberedKey } from '../../helpers/keys.ts'
import { readVectors } from '../../helpers/vectors.ts'

const ann = { name: 'ann' }
const bob = { name: 'bob' }

function jobOf(message: Uint8Array, key = key11): VerificationJob {
  return { key, message, signature: nativeCrypto.signP256(key, message) }
}
const small = jobOf(Uint8Array.of(1, 2, 3))
const forged: VerificationJob = { ...small, message: Uint8Array.of(1, 2, 4) }

const verdict = (queue: VerificationQueue, client: object, job: VerificationJob) =>
  new Promise<boolean | VerificationError>((resolve) => queue.verify(client, job, resolve))

/** A queue for the time of one test; one thread, unless it asks for more. */
async function withQueue(options: VerificationQueueOptions, use: (queue: VerificationQueue) => Promise<void>) {
  const queue = new VerificationQueue({ threads: 1, ...options })
  try {
    await use(queue)
  } finally {
    await queue.close()
  }
}

const codeOf = (result: unknown) => (result instanceof VerificationError ? result.code : result)

/** Our worker, from source. */
const ours = () =>
  startWorker('verification-worker', new URL('../../../plugins/verification/index.ts', import.meta.url).href)
/** One that takes a batch and ends without an answer. */
const dying = () =>
  new Worker("require('node:worker_threads').parentPort.once('message', () => process.exit(3))", { eval: true })

describe('verdicts', () => {
  interface EcdsaVectors {
    readonly testGroups: readonly {
      readonly publicKey: { readonly uncompressed: string }
      readonly tests: readonly { readonly tcId: number; readonly msg: string; readonly sig: string }[]
    }[]
  }
  test('those on all 262 Wycheproof signatures of ECDSA P-256 are the ones of direct verification', async () => {
    await withQueue({ threads: 2 }, async (queue) => {
      const { testGroups } = readVectors<EcdsaVectors>('wycheproof/ecdsa_secp256r1_sha256_p1363_test.json')
      const checks = testGroups.flatMap(({ publicKey, tests }) => {
        const point = fromHex(publicKey.uncompressed)
        const key = { x: point.subarray(1, 33), y: point.subarray(33) }
        return tests.map(async ({ tcId, msg, sig }) => {
          const [message, signature] = [fromHex(msg), fromHex(sig)]
          const result = await verdict(queue, publicKey, { key, message, signature })
          assert.equal(result, await nativeCrypto.verifyP256(key, message, signature), `test ${tcId}`)
          return result
        })
      })
      const results = await Promise.all(checks)
      assert.deepEqual([results.length, results.filter((valid) => valid).length], [262, 173])
      const { verified, failed, errors } = queue.counters
      assert.deepEqual({ verified, failed, errors }, { verified: 262, failed: 262 - 173, errors: 0 })
    })
  })
  test('under what is no point of the curve no signature is valid, and the thread lives on', async () => {
    await withQueue({}, async (queue) => {
      assert.equal(await verdict(queue, ann, { ...small, key: { x: key11.x, y: key11.x } }), false)
      assert.equal(await verdict(queue, ann, small), true)
      assert.equal(queue.counters.threadsLost, 0)
    })
  })
  test('with more keys than a thread keeps, each signature is verified under its own', async () => {
    await withQueue({}, async (queue) => {
      // Objects of their own: the queue knows keys by identity.
      const known = Array.from({ length: 9000 }, (_, n) => ({ ...(n % 2 === 0 ? key11 : keyMeriadoc) }))
      const results = await Promise.all(
        [...known, ...known.slice(0, 50)].map((key) => verdict(queue, ann, { ...small, key })),
      )
      assert.deepEqual(results.slice(0, 4), [true, false, true, false])
      assert.ok(results.every((valid, n) => valid === (n % 2 === 0)))
    })
  })
  test('a message of 20 MiB is verified, and one byte of it changed is noticed', async () => {
    await withQueue({}, async (queue) => {
      const message = new Uint8Array(20 * 1024 * 1024).fill(7)
      const large = jobOf(message)
      assert.equal(await verdict(queue, ann, large), true)
      const changed = message.slice()
      changed[changed.length - 1] = 8
      assert.equal(await verdict(queue, ann, { ...large, message: changed }), false)
      assert.equal(message.length, 20 * 1024 * 1024)
    })
  })
  test('an empty message and a view into a larger array are verified as they are', async () => {
    await withQueue({}, async (queue) => {
      assert.equal(await verdict(queue, ann, jobOf(new Uint8Array(0))), true)
      const around = Uint8Array.of(9, 1, 2, 3, 9)
      assert.equal(await verdict(queue, ann, { ...small, message: around.subarray(1, 4) }), true)
    })
  })
})

describe('order and bounds', () => {
  /** Which client each result was for, in the order they came. */
  async function finishing(queue: VerificationQueue, arrivals: readonly (readonly [object, VerificationJob])[]) {
    const order: object[] = []
    const results = arrivals.map(async ([client, job]) => {
      assert.equal(await verdict(queue, client, job), true)
      order.push(client)
    })
    await Promise.all(results)
    return order
  }
  test('one publish is not held up by 10,000 of another client that were there before', async () => {
    await withQueue({}, async (queue) => {
      const flood = Array.from({ length: 10_000 }, () => verdict(queue, ann, small))
      await Promise.race(flood)
      assert.equal(await verdict(queue, bob, small), true)
      // The two batches that were on their way, and the one in which it went.
      assert.ok(queue.counters.verified <= 64 + 3 * 64, `${queue.counters.verified} before it`)
      assert.ok(queue.pending > 9000)
      await Promise.all(flood)
    })
  })
  test('large messages of one client do not hold up small ones of another', async () => {
    await withQueue({}, async (queue) => {
      const large = jobOf(new Uint8Array(1024 * 1024))
      const order = await finishing(queue, [
        ...Array.from({ length: 8 }, () => [ann, large] as const),
        ...Array.from({ length: 100 }, () => [bob, small] as const),
      ])
      assert.deepEqual(order.slice(-5), Array(5).fill(ann))
    })
  })
  test('small messages of one client do not hold up a large one of another', async () => {
    await withQueue({}, async (queue) => {
      const large = jobOf(new Uint8Array(1024 * 1024))
      const order = await finishing(queue, [...Array.from({ length: 3000 }, () => [ann, small] as const), [bob, large]])
      assert.ok(order.indexOf(bob) <= 4 * 64, `${order.indexOf(bob)} before it`)
    })
  })
  test('what comes together goes together, shared among the threads', async () => {
    await withQueue({ threads: 2 }, async (queue) => {
      await Promise.all(Array.from({ length: 40 }, () => verdict(queue, ann, small)))
      assert.equal(queue.counters.batches, 2)
      assert.equal(await verdict(queue, ann, small), true)
      assert.equal(queue.counters.batches, 3)
    })
  })
  test('messages of 60 KB go two at a time: a batch is bounded in bytes too', async () => {
    await withQueue({}, async (queue) => {
      const job = jobOf(new Uint8Array(60_000))
      await Promise.all(Array.from({ length: 10 }, () => verdict(queue, ann, job)))
      assert.equal(queue.counters.batches, 5)
    })
  })
  test('pending counts what has no result, of each client and of all', async () => {
    await withQueue({}, async (queue) => {
      const results = [verdict(queue, ann, small), verdict(queue, ann, forged), verdict(queue, bob, small)]
      assert.deepEqual([queue.pending, queue.busy], [3, 0])
      assert.deepEqual(await Promise.all(results), [true, false, true])
      assert.deepEqual([queue.pending, queue.busy], [0, 0])
    })
  })
  test('a signature of another length is invalid, and that is said after verify has returned', async () => {
    await withQueue({}, async (queue) => {
      let returned = false
      const results = [0, 63, 65, 72].map((length) => {
        return new Promise((resolve) => {
          queue.verify(ann, { ...small, signature: new Uint8Array(length) }, (result) => resolve([result, returned]))
        })
      })
      returned = true
      assert.deepEqual(await Promise.all(results), Array(4).fill([false, true]))
      assert.deepEqual([queue.counters.failed, queue.counters.batches], [4, 0])
    })
  })
  test('what a callback throws is told, and the others of the batch get their results', async () => {
    const told: unknown[] = []
    await withQueue({ onError: (error) => told.push(error) }, async (queue) => {
      const broken = new Error('broken callback')
      queue.verify(ann, small, () => {
        throw broken
      })
      assert.equal(await verdict(queue, ann, small), true)
      assert.deepEqual(told, [broken])
      assert.equal(queue.pending, 0)
    })
  })
})

describe('threads that end', () => {
  /** Starts the given workers one after the other, the last kind for ever. */
  function starting(kinds: readonly (() => Worker)[]) {
    const state = { started: 0 }
    const start = () => {
      const kind = kinds[Math.min(state.started, kinds.length - 1)] as () => Worker
      state.started++
      return kind()
    }
    return { state, start }
  }
  test('what a thread had when it ended is verified by the next one, in its order, and the end is told', async () => {
    const told: unknown[] = []
    const { state, start } = starting([dying, ours])
    await withQueue({ start, onError: (error) => told.push(error) }, async (queue) => {
      const order: number[] = []
      const results = Array.from({ length: 200 }, async (_, n) => {
        const result = await verdict(queue, ann, n === 150 ? forged : small)
        order.push(n)
        return result
      })
      const values = await Promise.all(results)
      assert.deepEqual(
        values.flatMap((valid, n) => (valid === true ? [] : [n])),
        [150],
      )
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      )
      assert.equal(state.started, 2)
      assert.equal(queue.counters.threadsLost, 1)
      assert.deepEqual(told.map(codeOf), ['ERR_VERIFICATION_FAILED'])
    })
  })
  test('a thread that is terminated from outside is replaced', async () => {
    const workers: Worker[] = []
    const start = () => {
      const worker = ours()
      workers.push(worker)
      return worker
    }
    await withQueue({ start }, async (queue) => {
      assert.equal(await verdict(queue, ann, small), true)
      const results = Array.from({ length: 300 }, () => verdict(queue, ann, small))
      await Promise.race(results)
      await workers[0]?.terminate()
      assert.ok((await Promise.all(results)).every((valid) => valid === true))
      assert.equal(workers.length, 2)
    })
  })
  test('a job whose second thread ends too gets an error, and no third', async () => {
    const { state, start } = starting([dying, dying, ours])
    await withQueue({ start }, async (queue) => {
      assert.equal(codeOf(await verdict(queue, ann, small)), 'ERR_VERIFICATION_FAILED')
      assert.equal(state.started, 2)
      assert.equal(await verdict(queue, ann, small), true)
      assert.deepEqual([queue.counters.errors, queue.counters.verified, queue.pending], [1, 1, 0])
    })
  })
  test('threads that always end are not started for ever; with time they are tried again', async () => {
    let nowMs = 0
    const { state, start } = starting([dying])
    await withQueue({ start, now: () => nowMs }, async (queue) => {
      for (let n = 0; n < 6; n++) assert.equal(codeOf(await verdict(queue, ann, small)), 'ERR_VERIFICATION_FAILED')
      assert.equal(state.started, 5)
      nowMs += 20_000
      assert.equal(codeOf(await verdict(queue, ann, small)), 'ERR_VERIFICATION_FAILED')
      assert.equal(state.started, 7)
    })
  })
  test('where no thread can be started, what waits gets the error', async () => {
    const start = () => {
      throw new Error('no threads here')
    }
    const told: unknown[] = []
    await withQueue({ start, onError: (error) => told.push(error) }, async (queue) => {
      const results = await Promise.all([verdict(queue, ann, small), verdict(queue, bob, small)])
      assert.deepEqual(results.map(codeOf), ['ERR_VERIFICATION_FAILED', 'ERR_VERIFICATION_FAILED'])
      assert.deepEqual(told.map(codeOf), ['ERR_VERIFICATION_FAILED'])
    })
  })
  test('whoever comes again at once when told that no thread can be started is told again, and nobody hangs', async () => {
    const start = () => {
      throw new Error('no threads here')
    }
    await withQueue({ start }, async (queue) => {
      const results: unknown[] = []
      await new Promise<void>((resolve) => {
        const again = (result: boolean | VerificationError) => {
          results.push(codeOf(result))
          if (results.length === 20) resolve()
          else queue.verify(ann, small, again)
        }
        queue.verify(ann, small, again)
      })
      assert.deepEqual(results, Array(20).fill('ERR_VERIFICATION_FAILED'))
    })
  })
  test('a batch that cannot be sent is given to another thread, as the first one may have missed keys', async () => {
    const broken = () => {
      const worker = ours()
      worker.postMessage = () => {
        throw new RangeError('no memory')
      }
      return worker
    }
    const { state, start } = starting([broken, ours])
    await withQueue({ start }, async (queue) => {
      assert.deepEqual(await Promise.all([verdict(queue, ann, small), verdict(queue, bob, forged)]), [true, false])
      assert.deepEqual([state.started, queue.counters.threadsLost], [2, 1])
    })
  })
  test('a large message whose thread ended does not keep later large ones waiting', async () => {
    const { start } = starting([dying, dying, ours])
    await withQueue({ start }, async (queue) => {
      const large = jobOf(new Uint8Array(200_000), numberedKey(5))
      assert.equal(codeOf(await verdict(queue, ann, large)), 'ERR_VERIFICATION_FAILED')
      assert.equal(await verdict(queue, ann, large), true)
    })
  })
})

describe('closing', () => {
  test('who waits until it is idle finds every result given, also those of jobs that came of results', async () => {
    await withQueue({ threads: 2 }, async (queue) => {
      const results: unknown[] = []
      for (let job = 1; job <= 200; job++) {
        queue.verify(ann, small, (first) => {
          results.push(first)
          queue.verify(bob, forged, (second) => results.push(second))
        })
      }
      await queue.whenIdle()
      assert.deepEqual([results.length, queue.pending], [400, 0])
    })
  })
  test('what was never used is idle, and so is what was closed', async () => {
    const queue = new VerificationQueue({ threads: 1 })
    await queue.whenIdle()
    const result = verdict(queue, ann, small)
    const idle = queue.whenIdle()
    await queue.close()
    await idle
    assert.equal(codeOf(await result), 'ERR_VERIFICATION_CLOSED')
  })
  test('whatever has no result gets an error, at once and once, and so does what comes later', async () => {
    const queue = new VerificationQueue({ threads: 2 })
    const results = Array.from({ length: 1000 }, () => verdict(queue, ann, small))
    results.push(verdict(queue, bob, jobOf(new Uint8Array(300_000))))
    await Promise.race(results)
    const had = queue.counters.verified
    const closing = queue.close()
    assert.equal(queue.pending, 0)
    const codes = (await Promise.all(results)).map(codeOf)
    assert.equal(codes.filter((code) => code === 'ERR_VERIFICATION_CLOSED').length, 1001 - had)
    await closing
    assert.equal(codeOf(await verdict(queue, ann, small)), 'ERR_VERIFICATION_CLOSED')
    assert.deepEqual([queue.pending, queue.counters.verified, queue.counters.threadsLost], [0, had, 0])
  })
  test('a queue that was never used closes, and closing twice is closing', async () => {
    const queue = new VerificationQueue()
    await queue.close()
    await queue.close()
    assert.equal(codeOf(await verdict(queue, ann, small)), 'ERR_VERIFICATION_CLOSED')
  })
})
