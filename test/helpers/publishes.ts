import type { IncomingPublish } from '../../plugins/authorize-publish/publish.ts'
import { KeyRegistry, nativeCrypto } from '../../plugins/index.ts'
import type { CryptoProvider } from '../../protocol/index.ts'
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
    const event = registry.planEnrolment(key, `key ${i + 1}`)
    if (event !== undefined) registry.apply(event, i + 1)
  }
  return registry
}

/** Counts signature verifications. */
export function countingVerifications(): { readonly crypto: CryptoProvider; readonly count: () => number } {
  let count = 0
  const crypto: CryptoProvider = {
    ...nativeCrypto,
    verifyP256: (...args) => {
      count++
      return nativeCrypto.verifyP256(...args)
    },
  }
  return { crypto, count: () => count }
}
