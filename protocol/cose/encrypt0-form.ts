import { ProtocolError } from '../errors.ts'
import { coseTag } from './algorithms.ts'
import { parseEncrypt } from './encrypt.ts'
import { parseEncrypt0 } from './encrypt0.ts'

const encrypt0Start = 0xc0 | coseTag.encrypt0
/** A tag of one more byte, as 96 is. */
const encryptStart = 0xd8

/**
 * Whether a payload has the form of an encrypted message: a COSE_Encrypt0, or a COSE_Encrypt with recipients by ECDH-ES +
 * A256KW; strict CBOR, nothing else. The form alone: whether anybody can decrypt it only who has the key can know.
 */
export function isEncryptedForm(payload: Uint8Array): boolean {
  // One byte settles it for nearly every other payload.
  if (payload[0] !== encrypt0Start && payload[0] !== encryptStart) return false
  try {
    if (payload[0] === encryptStart) parseEncrypt(payload)
    else parseEncrypt0(payload)
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}

/** Whether an encrypted message is a COSE_Encrypt, for recipients; else it is a COSE_Encrypt0, under a key that both have. */
export function isForRecipients(message: Uint8Array): boolean {
  return message[0] === encryptStart
}
