import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { generateIdentity, loadIdentity } from '../../clients/identity/index.ts'
import { generateWebCryptoKeys, MemoryKeyStore, webCrypto, webCryptoSigner } from '../../clients/sdk/index.ts'
import {
  nobleCrypto,
  type P256Jwk,
  p256FromJwk,
  p256ToJwk,
  thumbprintOfP256,
  toBase64url,
} from '../../protocol/index.ts'
import { type RunningBroker, startBroker } from './broker.ts'
import type { PartyPage } from './browser/party-page.ts'
import { openSite, Tab } from './chromium.ts'
import { atEnd } from './cleanup.ts'
import { publicPem } from './key-files.ts'
import { runPythonClient, startPythonSub } from './python.ts'
import { type Heard, type PartySettings, SdkParty } from './sdk-party.ts'
import { temporaryDirectory } from './temporary.ts'

export const kinds = ['node', 'python', 'chromium'] as const
export type Kind = (typeof kinds)[number]

/** A key that is enrolled, and one that only the subscribers believe: the broker passes on what it does not know. */
export type Publisher = Kind | `${Kind}-visitor`

export interface Subscriber {
  /** The first message on a topic. */
  readonly first: (topic: string) => Promise<Heard>
  /** The second one: the first that is not verified. */
  readonly unverified: (topic: string) => Promise<Heard>
}

/** An {@link SdkParty}, here or in the page. */
interface RemoteParty {
  readonly publicKey: P256Jwk
  readonly connect: (settings: PartySettings) => Promise<void>
  readonly agreed: () => Promise<void>
  readonly publish: (topic: string, text: string) => Promise<void>
  readonly heard: (topic: string, number: number) => Promise<Heard>
  readonly topics: () => Promise<readonly string[]>
  readonly errors: () => Promise<readonly string[]>
}

const psk = `shop:${'5a'.repeat(32)}`
type SdkKind = Exclude<Kind, 'python'>

/** One broker, one browser, and publishers and subscribers in three languages who share a key and know each other. */
export class DirectionParties {
  readonly running: RunningBroker
  readonly #keys: Record<string, P256Jwk> = {}
  readonly #t: TestContext
  readonly #tab: Tab<PartyPage>
  readonly #directory: string
  readonly #parties = new Map<string, RemoteParty>()

  private constructor(t: TestContext, running: RunningBroker, tab: Tab<PartyPage>) {
    this.#t = t
    this.running = running
    this.#tab = tab
    this.#directory = temporaryDirectory(t)
    writeFileSync(this.#pskFile, `${psk}\n`, { mode: 0o600 })
  }

  static async open(t: TestContext): Promise<DirectionParties> {
    const everything = { signed: true, mac: true, encrypted: true } as const
    const filters = ['plant/#', 'pair/#', 'topic/#']
    const running = await startBroker(t, { protect: filters.map((filter) => ({ filter, ...everything })) })
    const site = await openSite(t, 'test/helpers/browser/party-page.ts')
    const parties = new DirectionParties(t, running, await Tab.open<PartyPage>(site))
    await parties.#makeKeys()
    await parties.#connectPublishers()
    return parties
  }

  /** Signs and encrypts, and puts a MAC around where the key is enrolled. */
  async publish(publisher: Publisher, topic: string, text: string): Promise<void> {
    if (!publisher.startsWith('python')) return this.sdk(publisher).publish(topic, text)
    const mac = publisher === 'python' ? ['--mac', '--known-brokers', join(this.#directory, 'known-brokers')] : []
    const { code, stderr } = await runPythonClient(this.#t, 'notarymq', [
      ...['pub', '-h', '127.0.0.1', '-p', `${this.running.port}`, '-t', topic, '-m', text],
      ...['--identity', this.#pythonKey(publisher), ...mac, '--psk-file', this.#pskFile, '--encrypt-with', 'shop'],
    ])
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  }

  /** A client of its own, which has no key to sign with. */
  async subscriber(t: TestContext, kind: Kind): Promise<Subscriber> {
    const filters = ['plant/#', 'open/#']
    if (kind === 'python') return this.#pythonSubscriber(t, filters)
    const party = await this.#createParty(kind, `${kind}-subscriber`)
    await party.connect(this.#settings(kind, { subscriptions: filters, signs: false, mac: false }))
    return { first: (topic) => party.heard(topic, 1), unverified: (topic) => party.heard(topic, 2) }
  }

  /** Thumbprint of a publisher's key in base64url. */
  kidOf(publisher: Publisher): string {
    return toBase64url(thumbprintOfP256(p256FromJwk(this.#keys[publisher] as P256Jwk, nobleCrypto), nobleCrypto))
  }

  sdk(name: string): RemoteParty {
    return this.#parties.get(name) ?? assert.fail(name)
  }

  /** What went wrong at any party that no call told. */
  async errors(): Promise<readonly string[]> {
    const ofParties = await Promise.all([...this.#parties.values()].map((party) => party.errors()))
    return [...ofParties.flat(), ...this.#tab.errors]
  }

  async #makeKeys(): Promise<void> {
    for (const kind of kinds) {
      for (const name of [kind, `${kind}-visitor`]) {
        const key = kind === 'python' ? this.#makePythonKey(name) : (await this.#createParty(kind, name)).publicKey
        this.#keys[name] = key
        writeFileSync(join(this.#directory, `${name}.pub.pem`), publicPem(p256FromJwk(key, nobleCrypto)))
        if (name === kind) await this.running.broker.chain.enroll(p256FromJwk(key, nobleCrypto), name)
      }
    }
  }

  async #connectPublishers(): Promise<void> {
    const subscriptions = ['pair/#', 'topic/#']
    for (const [kind, peer] of [
      ['node', 'chromium'],
      ['chromium', 'node'],
    ] as const) {
      const publisher = { subscriptions, signs: true, mac: true, pair: { name: kind, peer } }
      await this.sdk(kind).connect(this.#settings(kind, publisher))
      const visitor = { subscriptions: [], signs: true, mac: false }
      await this.sdk(`${kind}-visitor`).connect(this.#settings(kind, visitor))
    }
  }

  #settings(kind: SdkKind, rest: Omit<PartySettings, 'url' | 'keyring' | 'psk'>): PartySettings {
    const { port, webSocketPort } = this.running
    const url = kind === 'node' ? `mqtt://127.0.0.1:${port}` : `ws://127.0.0.1:${webSocketPort}`
    return { url, keyring: this.#keys, psk, ...rest }
  }

  async #createParty(kind: SdkKind, name: string): Promise<RemoteParty> {
    const party = kind === 'node' ? await this.#partyHere() : await this.#partyInPage(name)
    this.#parties.set(name, party)
    return party
  }

  async #partyHere(): Promise<RemoteParty> {
    const signer = webCryptoSigner(await generateWebCryptoKeys(), webCrypto)
    const party = new SdkParty(signer, new MemoryKeyStore())
    atEnd(this.#t, () => party.end())
    return {
      publicKey: party.publicKey,
      connect: (settings) => party.connect(settings),
      agreed: () => party.agreed(),
      publish: (topic, text) => party.publish(topic, text),
      heard: (topic, number) => party.heard(topic, number),
      topics: async () => party.topics,
      errors: async () => party.errors,
    }
  }

  async #partyInPage(name: string): Promise<RemoteParty> {
    const tab = this.#tab
    return {
      publicKey: await tab.call('create', name),
      connect: (settings) => tab.call('connect', name, settings),
      agreed: () => tab.call('agreed', name),
      publish: (topic, text) => tab.call('publish', name, topic, text),
      heard: (topic, number) => tab.call('heard', name, topic, number),
      topics: () => tab.call('topics', name),
      errors: () => tab.call('errors', name),
    }
  }

  async #pythonSubscriber(t: TestContext, filters: readonly string[]): Promise<Subscriber> {
    const all = ['ready', ...filters].flatMap((filter) => ['-t', filter])
    const args = [...all, '--keys', this.#directory, '--psk-file', this.#pskFile]
    const sub = await startPythonSub(t, this.running.port, args)
    const heard = async (pattern: RegExp): Promise<Heard> => {
      const { payloadHex, verified, unverified, encrypted, undecrypted } = await sub.message(pattern)
      return {
        text: Buffer.from(payloadHex, 'hex').toString(),
        ...(verified === undefined ? undefined : { subject: verified.subject, kid: verified.kid }),
        ...(unverified === undefined ? undefined : { unverified }),
        encrypted,
        ...(undecrypted === undefined ? undefined : { undecrypted }),
      }
    }
    return {
      first: (topic) => heard(new RegExp(`"${topic}"`)),
      unverified: (topic) => heard(new RegExp(`"${topic}".*"unverified"`)),
    }
  }

  #makePythonKey(name: string): P256Jwk {
    generateIdentity(this.#pythonKey(name))
    return p256ToJwk(loadIdentity(this.#pythonKey(name)).key)
  }

  #pythonKey(name: string): string {
    return join(this.#directory, `${name}.pem`)
  }

  get #pskFile(): string {
    return join(this.#directory, 'psk')
  }
}
