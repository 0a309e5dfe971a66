import assert from 'node:assert/strict'
import { ConfigError, type ConfigErrorCode } from '../../../broker/config/errors.ts'
import { lexConfig } from '../../../broker/config/lexer.ts'
import { type Interpretation, interpretConfig, resolveConfig } from '../../../broker/config/resolve.ts'
import type { BrokerOptions } from '../../../broker/options.ts'

/** Options of a configuration text that is called t.conf in errors. */
export function resolveText(text: string, port?: number): BrokerOptions {
  return resolveConfig(lexConfig(text, 't.conf'), port)
}

/** What a configuration text amounts to, with all its mistakes. */
export function interpretText(text: string): Interpretation {
  return interpretConfig(lexConfig(text, 't.conf'))
}

/** Runs `action`, which must throw a ConfigError, and returns that. */
export function configErrorOf(action: () => unknown): ConfigError {
  try {
    action()
  } catch (error) {
    assert.ok(error instanceof ConfigError, `not a ConfigError: ${error}`)
    return error
  }
  return assert.fail('accepted')
}

/** Asserts that a text is refused with this code at t.conf:`line`, and returns the error. */
export function assertRefused(text: string, code: ConfigErrorCode, line: number): ConfigError {
  const error = configErrorOf(() => resolveText(text))
  assert.deepEqual([error.code, error.file, error.line, error.exitCode], [code, 't.conf', line, 3], error.message)
  return error
}
