import { type IncomingPublish, withoutReserved } from '../../plugins/index.ts'
import { recordProperties } from '../../protocol/index.ts'
import type { MessageProperties } from '../edge/index.ts'

const noUserProperties: IncomingPublish['userProperties'] = []

/** The properties of a publish or a will, without the user properties that only the broker may send. */
export function incomingProperties(
  given: MessageProperties | undefined,
): Pick<IncomingPublish, 'userProperties' | 'properties'> {
  const sent = given?.userProperties ?? noUserProperties
  const userProperties = withoutReserved(sent)
  return {
    userProperties,
    properties: recordProperties(userProperties === sent ? given : { ...given, userProperties }),
  }
}
