import type { KeyExchangeToAnswer, KeyExchangeToStart, SigningKey } from '../../protocol/index.ts'
import { key11, keyMeriadoc, numberedKey, type TestKey } from './keys.ts'

/** A long-term key of one side. */
export function signingKey(key: TestKey): SigningKey {
  return { key, thumbprint: key.thumbprint }
}

/** The device that asks, and the broker that answers. */
export const exchangeClient: SigningKey = signingKey(key11)
export const exchangeBroker: SigningKey = signingKey(keyMeriadoc)

/** Ephemeral keys of either side, where a test makes its messages by hand. */
export const clientEphemeral: TestKey = numberedKey(17)
export const brokerEphemeral: TestKey = numberedKey(18)

export const exchangeStart: KeyExchangeToStart = {
  clientId: 'device/1',
  seq: 2,
  timeMs: 1_767_225_600_000,
  brokerThumbprint: keyMeriadoc.thumbprint,
}

export const exchangeAnswer: KeyExchangeToAnswer = {
  clientId: 'device/1',
  expiryMs: 1_767_229_200_000,
  brokerTimeMs: 1_767_225_600_000,
  highestSeq: 2,
}
