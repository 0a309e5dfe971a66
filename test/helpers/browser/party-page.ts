/** Runs in a page: applications on the SDK, by name, with keys that the page cannot read. */
import { generateWebCryptoKeys, IndexedDbKeyStore, webCrypto, webCryptoSigner } from '../../../clients/sdk/index.ts'
import type { P256Jwk } from '../../../protocol/index.ts'
import { type Heard, type PartySettings, SdkParty } from '../sdk-party.ts'

const parties = new Map<string, SdkParty>()

function partyOf(name: string): SdkParty {
  const party = parties.get(name)
  if (party === undefined) throw new Error(`no party ${name}`)
  return party
}

const page = {
  /** @returns its public key */
  create: async (name: string): Promise<P256Jwk> => {
    const signer = webCryptoSigner(await generateWebCryptoKeys(), webCrypto)
    const party = new SdkParty(signer, new IndexedDbKeyStore())
    parties.set(name, party)
    return party.publicKey
  },
  connect: (name: string, settings: PartySettings): Promise<void> => partyOf(name).connect(settings),
  agreed: (name: string): Promise<void> => partyOf(name).agreed(),
  publish: (name: string, topic: string, text: string): Promise<void> => partyOf(name).publish(topic, text),
  heard: (name: string, topic: string, number: number): Promise<Heard> => partyOf(name).heard(topic, number),
  topics: async (name: string): Promise<readonly string[]> => partyOf(name).topics,
  errors: async (name: string): Promise<readonly string[]> => partyOf(name).errors,
}

export type PartyPage = typeof page

Object.assign(globalThis, { page })
