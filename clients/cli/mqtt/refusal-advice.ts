import { type RefusalCause, refusalCauses } from '../../../protocol/index.ts'

/** What whoever runs the command can do, where that is not plain from the cause. */
const remedies: Partial<Record<RefusalCause, string>> = {
  'not-signed': 'sign it with --identity',
  'unknown-key': 'enroll the key: notarymq enroll KEY.pem',
  'signed-in-future': 'the clock of this machine is ahead; set it',
  'not-fresh': 'the message took too long, or the clock of this machine is behind; set it',
  'mac-required': 'add --mac',
  'not-encrypted': 'encrypt it with --psk or --encrypt-for',
  'tls-required': 'use TLS: --cafile FILE, or an mqtts:// URL',
}

/** @param cause as the broker tells it, any word */
export function adviceOn(cause: string): string {
  if (!Object.hasOwn(refusalCauses, cause)) return cause
  const known = cause as RefusalCause
  return `${known}: ${remedies[known] ?? refusalCauses[known]}`
}
