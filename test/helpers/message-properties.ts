import fc from 'fast-check'
import type { MessageProperties } from '../../broker/edge/index.ts'
import { wellFormedText } from './arbitraries.ts'

const name = fc.oneof(wellFormedText, fc.constantFrom('__proto__', 'constructor', 'toString', '1', '0', ''))

const present = fc
  .record(
    {
      payloadFormatIndicator: fc.constantFrom(0 as const, 1 as const),
      messageExpiryInterval: fc.nat(0xffff_ffff),
      contentType: wellFormedText,
      responseTopic: wellFormedText,
      correlationData: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      userProperties: fc.array(fc.tuple(name, wellFormedText), { minLength: 1, maxLength: 5 }),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .filter((properties) => Object.keys(properties).length > 0)

/** Properties of a message as the edge reads them; undefined when it has none. */
export const messageProperties: fc.Arbitrary<MessageProperties | undefined> = fc.option(present, { nil: undefined })
