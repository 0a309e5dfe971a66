import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { ConfigError, configErrorCodes, configErrors, formatConfigError } from '../../../broker/config/errors.ts'
import { configErrorOf, resolveText } from './support.ts'

describe('formatConfigError', () => {
  test('prints what Mosquitto prints for a line', () => {
    const error = configErrorOf(() => resolveText('LISTENER 1883'))
    assert.equal(
      formatConfigError(error),
      'Error: Unknown configuration variable "LISTENER".\nError found at t.conf:1.',
    )
  })

  test('prints one line where no line of a file is at fault', () => {
    const reason = 'Unable to open config file x.'
    assert.equal(
      formatConfigError(new ConfigError('ERR_CONFIG_FILE_UNREADABLE', reason, { file: 'x' })),
      `Error: ${reason}`,
    )
    assert.equal(formatConfigError(new ConfigError('ERR_CONFIG_PORT_INVALID', 'a')), 'Error: a')
  })

  test('gives Mosquitto’s sentences for mistakes it knows', () => {
    for (const [text, reason] of [
      ['listener', 'Empty listener value in configuration.'],
      ['listener 65536', 'Invalid port value (65536).'],
      ['listener 1\nprotocol websocket', 'Invalid protocol value (websocket).'],
      ['allow_anonymous yes', 'Invalid allow_anonymous value (yes).'],
      ['max_inflight_messages 65536', 'max_inflight_messages must be <= 65535.'],
      ['persistence_location a\npersistence_location b', 'Duplicate persistence_location value in configuration.'],
      ['topic # out', 'Invalid bridge configuration.'],
      ['connection a', 'Invalid bridge configuration: no remote addresses defined.'],
      ['connection a\naddress b', 'Invalid bridge configuration: no topics defined.'],
      ['persistent_client_expiration 14', 'Invalid persistent_client_expiration duration in configuration.'],
      ['log_dest bogus', 'Invalid log_dest value (bogus).'],
      ['log_type bogus', 'Invalid log_type value (bogus).'],
      ['persistence_location a\tb', 'Malformed UTF-8 in configuration.'],
    ] as const) {
      assert.equal(configErrorOf(() => resolveText(text)).reason, reason)
    }
  })
})

describe('ConfigError', () => {
  test('names file and line in its message, for whoever does not print it our way', () => {
    const error = configErrorOf(() => resolveText('\nmount_point a/'))
    assert.equal(error.name, 'ConfigError')
    assert.ok(error.message.startsWith('t.conf:2: "mount_point" is known'))
    assert.deepEqual(error.details, { file: 't.conf', line: 2 })
    assert.equal(error.exitCode, 3)
  })

  test('has the exit codes that Mosquitto has', () => {
    assert.equal(new ConfigError('ERR_CONFIG_DIRECTIVE_UNKNOWN', '').exitCode, 3)
    assert.equal(new ConfigError('ERR_CONFIG_SECURITY_FILE_UNREADABLE', '').exitCode, 13)
    assert.equal(new ConfigError('ERR_CONFIG_NAMED_FILE_UNREADABLE', '').exitCode, 1)
  })

  test('has a cause and a remedy for every code', () => {
    for (const code of configErrorCodes) assert.ok(configErrors[code].cause && configErrors[code].remedy, code)
  })

  test('has no code that the tests of this folder do not name, and they name no other', () => {
    const folder = new URL('.', import.meta.url)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    const named = files.flatMap(
      (file) => readFileSync(new URL(file, folder), 'utf8').match(/\bERR_CONFIG_[A-Z_]*[A-Z]\b/g) ?? [],
    )
    assert.deepEqual([...new Set(named)].sort(), [...configErrorCodes].sort())
  })
})
