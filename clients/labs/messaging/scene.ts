import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { nobleCrypto, p256ToJwk, signProofOfPossession, toBase64url } from '../../../protocol/index.ts'
import { withAdminClient } from '../../cli/admin-client.ts'
import { brokerName, type ConnectionFlags } from '../../cli/connection.ts'
import { ClientError } from '../../errors.ts'
import { generateIdentity, type Identity, loadIdentity, type ProvenBroker, proveBroker } from '../../identity/index.ts'
import type { Party } from './party.ts'
import type { Story } from './story.ts'

/** Everything that the lab publishes is below it. */
export const labTopic = 'lab/messaging'
/** What this program calls itself: in topics, and of its key file. */
const partyName = 'typescript'
/** Below it this program publishes. */
export const ownTopic = `${labTopic}/${partyName}`

/** What every phase begins with. */
export interface Scene {
  readonly story: Story
  readonly flags: ConnectionFlags
  /** Port of the `protocol notary-link` listener, on the same host. */
  readonly linkPort: number
  /** Directory of keys: the own pair, and the public halves of the other parties. */
  readonly keys: string
}

/** The key of this program, made when it is not there. @throws {ClientError} ERR_IDENTITY_FILE */
export function ownIdentity({ keys }: Scene): Identity {
  const path = join(keys, `lab-${partyName}.pem`)
  if (!existsSync(path)) {
    mkdirSync(keys, { recursive: true, mode: 0o700 })
    generateIdentity(path)
  }
  return loadIdentity(path)
}

/** Asks the broker to prove who it is. @throws {ClientError} what `proveBroker` throws */
export function provenBroker({ flags, keys }: Scene, { client }: Party): Promise<ProvenBroker> {
  return proveBroker(client, { name: brokerName(flags), knownBrokersFile: join(keys, 'known-brokers') })
}

/** The same, as a step. */
export async function showBroker(scene: Scene, party: Party): Promise<ProvenBroker> {
  scene.story.step('The broker proves who it is: it signs our nonce')
  const proven = await provenBroker(scene, party)
  scene.story.show(`log ${proven.statement.brokerId}`)
  scene.story.check(true, 'signed by the key that it is known by from now on')
  return proven
}

/** Has the key enrolled, where this program is an administrator. */
export async function enrol({ story, flags }: Scene, identity: Identity, origin: string): Promise<void> {
  story.step('Our ECDSA key, and that the broker knows it')
  const { key, thumbprint, path } = identity
  story.show(`key ${path}, kid ${toBase64url(thumbprint)}`)
  const name = `lab-${partyName}-${Buffer.from(thumbprint).toString('hex').slice(0, 8)}`
  const proof = toBase64url(signProofOfPossession(key, origin, nobleCrypto))
  try {
    // A client id of its own: the party's may have a connection already.
    await withAdminClient({ ...flags, id: undefined }, (admin) => {
      return admin.request('keys.enroll', { key: p256ToJwk(key), name, proof })
    })
  } catch (error) {
    if (!(error instanceof ClientError && ['ERR_ADMIN', 'ERR_REFUSED'].includes(error.code))) throw error
    story.show(`not enrolled by us (${error.message}); somebody else has to have`)
    return
  }
  story.check(true, 'enrolled, with a proof that we have its private half')
}
