import { type KeyStore, sequenceName } from '../../clients/key-store/key-store.ts'

/** What a case gets. Nothing here is of Node: a page in a browser runs the same cases. */
export interface KeyStoreScene {
  /** Opens the same store again, as a second process or tab does. */
  readonly open: () => Promise<KeyStore>
}

export interface KeyStoreCase {
  readonly name: string
  readonly run: (scene: KeyStoreScene) => Promise<void>
}

const keyA = new Uint8Array(32).fill(1)
const keyB = new Uint8Array(32).fill(2)
const bytes = (text: string) => new TextEncoder().encode(text)

/** Compares by content, typed arrays too. */
function equal(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [textOf(actual), textOf(expected)]
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`)
}

function textOf(value: unknown): string {
  if (value === undefined) return 'undefined'
  return (
    JSON.stringify(value, (_name, part) => (part instanceof Uint8Array ? `bytes ${[...part]}` : part)) ?? 'undefined'
  )
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return 'nothing was thrown'
  } catch (error) {
    return (error as { code?: unknown }).code ?? (error as Error).name
  }
}

/** Every key store passes these. */
export const keyStoreCases: readonly KeyStoreCase[] = [
  {
    name: 'numbers begin with 1, are consecutive, and each key has its own',
    run: async ({ open }) => {
      const store = await open()
      equal(await store.reserveSequenceNumbers(keyA, 1), 1, 'the first')
      equal(await store.reserveSequenceNumbers(keyA, 10), 2, 'a block')
      equal(await store.reserveSequenceNumbers(keyA, 1), 12, 'after the block')
      equal(await store.reserveSequenceNumbers(keyB, 1), 1, 'another key')
      equal(await codeOf(store.reserveSequenceNumbers(keyA, 0)), 'RangeError', 'no number at all')
    },
  },
  {
    name: 'who reserves at the same time, in two openings of the store, never gets the same number',
    run: async ({ open }) => {
      const stores = [await open(), await open()]
      const firsts = await Promise.all(
        Array.from({ length: 40 }, (_, i) => (stores[i % 2] as KeyStore).reserveSequenceNumbers(keyA, 3)),
      )
      const expected = Array.from({ length: 40 }, (_, i) => 1 + 3 * i)
      equal(
        [...firsts].sort((a, b) => a - b),
        expected,
        'the first numbers',
      )
    },
  },
  {
    name: 'numbers go on where they were when the store is opened again',
    run: async ({ open }) => {
      await (await open()).reserveSequenceNumbers(keyA, 5)
      equal(await (await open()).reserveSequenceNumbers(keyA, 1), 6, 'the next one')
    },
  },
  {
    name: 'a number is raised and never lowered',
    run: async ({ open }) => {
      const store = await open()
      await store.raiseSequenceNumber(keyA, 100)
      equal(await store.reserveSequenceNumbers(keyA, 1), 100, 'raised')
      await store.raiseSequenceNumber(keyA, 50)
      equal(await store.reserveSequenceNumbers(keyA, 1), 101, 'not lowered')
    },
  },
  {
    name: 'the last number below 2^53 is the last one',
    run: async ({ open }) => {
      const store = await open()
      await store.raiseSequenceNumber(keyA, Number.MAX_SAFE_INTEGER - 1)
      equal(await codeOf(store.reserveSequenceNumbers(keyA, 2)), 'ERR_SEQUENCE_FILE', 'two more')
      equal(await store.reserveSequenceNumbers(keyA, 1), Number.MAX_SAFE_INTEGER - 1, 'one more')
    },
  },
  {
    name: 'a key encrypts 2^32 messages and not one more',
    run: async ({ open }) => {
      const store = await open()
      await store.countEncryptions('topic-key', 2 ** 32 - 1)
      await store.countEncryptions('topic-key', 1)
      equal(await codeOf(store.countEncryptions('topic-key', 1)), 'ERR_KEY_EXHAUSTED', 'one more')
      equal(
        await codeOf((await open()).countEncryptions('topic-key', 1)),
        'ERR_KEY_EXHAUSTED',
        'after opening it again',
      )
      await store.countEncryptions('another', 1)
    },
  },
  {
    name: 'a value is what was set last, and names that look alike are different',
    run: async ({ open }) => {
      const store = await open()
      equal(await store.get('broker/a:1883'), undefined, 'absent')
      equal(await store.set('broker/a:1883', bytes('1')), true, 'set')
      equal(await store.set('broker/a_1883', bytes('2')), true, 'set another')
      equal(await store.set(`${'x'.repeat(500)}1`, bytes('3')), true, 'a long name')
      equal(await store.set(`${'x'.repeat(500)}2`, bytes('')), true, 'no bytes')
      const again = await open()
      for (const [name, text] of Object.entries({ 'broker/a:1883': '1', 'broker/a_1883': '2' })) {
        equal([...((await again.get(name)) ?? [])], [...bytes(text)], name)
      }
      equal([...((await again.get(`${'x'.repeat(500)}1`)) ?? [])], [...bytes('3')], 'a long name')
      equal((await again.get(`${'x'.repeat(500)}2`))?.length, 0, 'no bytes')
    },
  },
  {
    name: 'a value is replaced only when it is the expected one, absence included',
    run: async ({ open }) => {
      const store = await open()
      equal(await store.set('a', bytes('1'), bytes('0')), false, 'absent, and something was expected')
      equal(await store.set('a', bytes('1'), undefined), true, 'absent as expected')
      equal(await store.set('a', bytes('2'), undefined), false, 'present, and absence was expected')
      equal(await store.set('a', bytes('2'), bytes('1')), true, 'present as expected')
      equal(await store.set('a', bytes('3'), bytes('1')), false, 'another one')
      equal([...((await store.get('a')) ?? [])], [...bytes('2')], 'what is there')
    },
  },
  {
    name: 'of two who replace the same value, one does',
    run: async ({ open }) => {
      const stores = [await open(), await open()]
      const done = await Promise.all(stores.map((store, i) => store.set('a', bytes(`${i}`), undefined)))
      equal(done.filter((one) => one).length, 1, 'how many did')
    },
  },
  {
    name: 'a value and a counter of one name do not meet',
    run: async ({ open }) => {
      const store = await open()
      await store.countEncryptions('a', 7)
      equal(await store.get('a'), undefined, 'the value')
      equal(await store.get('encryptions/a'), undefined, 'the value of the name that the counter has in the store')
      await store.set(sequenceName(keyA), bytes('x'))
      equal(await store.reserveSequenceNumbers(keyA, 1), 1, 'the counter')
    },
  },
]
