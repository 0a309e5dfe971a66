/** Runs in a page: the key store of browsers. */
import { IndexedDbKeyStore, webCrypto, webCryptoSigner } from '../../../clients/sdk/index.ts'
import { type P256Jwk, p256FromJwk, p256ToJwk } from '../../../protocol/index.ts'
import { keyStoreCases } from '../../suites/key-store.suite.ts'

const thumbprint = new Uint8Array(32).fill(1)
const message = new TextEncoder().encode('plant/temperature 21.5')

/** What the test listens to, and what Node has no types for. */
declare const taken: (first: number) => Promise<void>
declare const indexedDB: {
  deleteDatabase(name: string): Record<'onsuccess' | 'onerror' | 'onblocked', (() => void) | null>
}

const page = {
  /** Runs a case of the suite on a database of its own. */
  runCase: async (name: string): Promise<void> => {
    const found = keyStoreCases.find((one) => one.name === name)
    if (found === undefined) throw new Error(`no case ${name}`)
    await found.run({ open: async () => new IndexedDbKeyStore(name) })
  },
  /** @returns the first of each block */
  reserve: async (database: string, times: number, count: number): Promise<number[]> => {
    const store = new IndexedDbKeyStore(database)
    return Promise.all(Array.from({ length: times }, () => store.reserveSequenceNumbers(thumbprint, count)))
  },
  /** Takes one number after the other until the tab is closed, and tells of each. */
  reserveUntilClosed: async (database: string): Promise<void> => {
    const store = new IndexedDbKeyStore(database)
    for (;;) await taken(await store.reserveSequenceNumbers(thumbprint, 1))
  },
  /** Takes a number, has the database deleted, and takes another one from the same store. */
  reserveAroundDeletion: async (database: string): Promise<number[]> => {
    const store = new IndexedDbKeyStore(database)
    const before = await store.reserveSequenceNumbers(thumbprint, 5)
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase(database)
      request.onsuccess = () => resolve()
      request.onerror = () => reject(new Error('not deleted'))
      request.onblocked = () => reject(new Error('a store holds it'))
    })
    return [before, await store.reserveSequenceNumbers(thumbprint, 1)]
  },
  ownKey: async (database: string): Promise<P256Jwk> => {
    return p256ToJwk((await new IndexedDbKeyStore(database).ownKeys()).publicKey)
  },
  /** Whether what the kept keys sign is the signature of this public key. */
  signsAs: async (database: string, key: P256Jwk): Promise<boolean> => {
    const signer = webCryptoSigner(await new IndexedDbKeyStore(database).ownKeys(), webCrypto)
    return webCrypto.verifyP256(p256FromJwk(key, webCrypto), message, await signer.sign(message))
  },
  /** What reading the private keys comes to, for both of their uses. */
  exported: async (database: string): Promise<string[]> => {
    const { signing, agreement } = await new IndexedDbKeyStore(database).ownKeys()
    const { subtle } = globalThis.crypto
    const exports = [signing, agreement].flatMap((key) => [
      subtle.exportKey('pkcs8', key),
      subtle.exportKey('jwk', key),
    ])
    const settled = await Promise.allSettled(exports)
    return settled.map((one) => (one.status === 'fulfilled' ? 'exported' : (one.reason as Error).name))
  },
}

export type KeyStorePage = typeof page

Object.assign(globalThis, { page })
