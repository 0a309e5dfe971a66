import { detachedProperty, type Envelope, parseAttachedEnvelope, parseDetachedEnvelope } from '../../protocol/index.ts'
import type { IncomingPublish } from './publish.ts'

/**
 * The envelope that a publish came with. Exactly one user property `notarymq` wins over the payload, which is then never
 * parsed; several, or one that is no envelope, make the publish an opaque one.
 * @returns undefined when there is none; `malformed` when there are user properties of that name, but no envelope
 */
export function findEnvelope({ userProperties, payload }: IncomingPublish): Envelope | 'malformed' | undefined {
  let value: string | undefined
  for (const [name, given] of userProperties) {
    if (name !== detachedProperty) continue
    if (value !== undefined) return 'malformed'
    value = given
  }
  if (value === undefined) return parseAttachedEnvelope(payload)
  return parseDetachedEnvelope(value, payload) ?? 'malformed'
}
