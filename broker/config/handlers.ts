import { bridgeHandlers } from './bridge-handlers.ts'
import { brokerHandlers } from './broker-handlers.ts'
import type { DirectiveName } from './directives.ts'
import type { Draft } from './draft.ts'
import type { ConfigLine } from './lexer.ts'
import { listenerHandlers } from './listener-handlers.ts'
import { logHandlers } from './log-handlers.ts'
import { notaryHandlers } from './notary-handlers.ts'
import { securityHandlers } from './security-handlers.ts'

/**
 * One handler per directive that has an effect: reads the line's value and enters it in the draft. Each throws
 * ConfigError with the codes ERR_CONFIG_VALUE_*, ERR_CONFIG_PORT_INVALID, ERR_CONFIG_ORDER or
 * ERR_CONFIG_CONNECTION_MISSING.
 */
export const handlers: Readonly<Record<DirectiveName, (draft: Draft, line: ConfigLine) => void>> = {
  ...listenerHandlers,
  ...securityHandlers,
  ...brokerHandlers,
  ...logHandlers,
  ...bridgeHandlers,
  ...notaryHandlers,
}
