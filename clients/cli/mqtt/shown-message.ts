import type { IncomingMessage } from '../../sdk/incoming-message.ts'

/** A message as it is shown: envelope taken off and decrypted, where that could be done. */
export interface ShownMessage extends Omit<IncomingMessage, 'dup'> {
  readonly receivedAt: Date
}

/** One word on what is to be thought of a message: `verified`, `repeated`, or why not. */
export function verdictOf({ verified, unverified, undecrypted }: ShownMessage): string {
  if (undecrypted !== undefined) return undecrypted
  if (verified === undefined) return unverified ?? 'unsigned'
  return verified.repeated ? 'repeated' : 'verified'
}
