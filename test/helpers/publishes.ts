import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { WillReservations } from '../../plugins/audit-chain/will-reservations.ts'
import type { AdmissionRules } from '../../plugins/authorize-publish/admission.ts'
import type { IncomingPublish } from '../../plugins/authorize-publish/publish.ts'
import { RulesInForce } from '../../plugins/authorize-publish/rules-in-force.ts'
import { PublishVerifier } from '../../plugins/authorize-publish/verifier.ts'
import {
  defaultClockSkewMs,
  KeyRegistry,
  nativeCrypto,
  openStoreDatabase,
  type ProtectRule,
  PublishPolicy,
  planEnrolment,
} from '../../plugins/index.ts'
import type { TestKey } from './keys.ts'

/** A publish as the hook hands it to verification. */
export function incoming(changes: Partial<IncomingPublish> = {}): IncomingPublish {
  return {
    publisher: {
      clientId: 'device',
      username: undefined,
      auth: 'none',
      listener: 'mqtt://127.0.0.1:1883',
      isTls: false,
    },
    topic: 'plant/1',
    payload: Buffer.from('21.5'),
    qos: 1,
    retain: false,
    isWill: false,
    userProperties: [],
    properties: undefined,
    ...changes,
  }
}

/** A registry in which these keys are enrolled, at indexes 1, 2, ... */
export function registryOf(...keys: readonly TestKey[]): KeyRegistry {
  const registry = new KeyRegistry(nativeCrypto)
  for (const [i, key] of keys.entries()) {
    const event = planEnrolment(registry, { key, name: `key ${i + 1}` }, nativeCrypto)
    if (event !== undefined) registry.apply(event, i + 1)
  }
  return registry
}

/** A verifier as the gate makes it, that counts its verifications of signatures. */
export function verifierFor(
  registry: KeyRegistry,
  { rules = [], now = Date.now }: { readonly rules?: readonly ProtectRule[]; readonly now?: () => number } = {},
) {
  let count = 0
  const inForce = new RulesInForce(new PublishPolicy(rules))
  const verifier = new PublishVerifier({
    // The newest index there is: every key event so far lies below.
    chain: { registry, nextIndex: 1000 },
    rules: inForce,
    crypto: nativeCrypto,
    verifySignature: (_source, { key, message, signature }) => {
      count++
      return nativeCrypto.verifyP256(key, message, signature)
    },
    clockSkewMs: () => defaultClockSkewMs,
    now,
  })
  return { verifier, rules: inForce, verifications: () => count }
}

/** What the last look is taken with, over a store of its own, for all tests of a file. */
export async function admissionRules(registry: KeyRegistry = registryOf()): Promise<AdmissionRules> {
  const directory = mkdtempSync(join(tmpdir(), 'notarymq-test-'))
  const database = await openStoreDatabase(directory)
  after(async () => {
    await database.close()
    rmSync(directory, { recursive: true })
  })
  const wills = await WillReservations.open(database, registry)
  return { chain: { wills }, rules: new RulesInForce(new PublishPolicy([])) }
}
