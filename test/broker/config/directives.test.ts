import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  classifyDirective,
  honouredDirectives,
  plannedNotaryDirectives,
  unsupportedMosquittoDirectives,
  unsupportedMosquittoPrefixes,
} from '../../../broker/config/directives.ts'
import { assertRefused } from './support.ts'

const honoured = Object.keys(honouredDirectives)

describe('classifyDirective', () => {
  test('puts every name in exactly one class', () => {
    const all = [...honoured, ...unsupportedMosquittoDirectives, ...plannedNotaryDirectives]
    assert.equal(new Set(all).size, all.length)
    for (const name of honoured) assert.equal(classifyDirective(name), 'honoured')
    for (const name of unsupportedMosquittoDirectives) assert.equal(classifyDirective(name), 'unsupported')
    for (const name of plannedNotaryDirectives) assert.equal(classifyDirective(name), 'planned')
  })

  test('knows plug-in options by their prefix', () => {
    for (const prefix of unsupportedMosquittoPrefixes) assert.equal(classifyDirective(`${prefix}x`), 'unsupported')
  })

  test('knows nothing else, whatever an object inherits or Mosquitto removed', () => {
    for (const name of [
      'constructor',
      '__proto__',
      'toString',
      'store_clean_interval',
      'connect_timeout',
      'Listener',
      '',
    ]) {
      assert.equal(classifyDirective(name), 'unknown')
    }
  })
})

describe('a directive that is not honoured', () => {
  for (const name of [...unsupportedMosquittoDirectives, 'plugin_opt_x', 'auth_opt_x']) {
    test(`${name} is refused as known to Mosquitto`, () => {
      const { reason } = assertRefused(`# c\n${name} x`, 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED', 2)
      assert.ok(reason.startsWith(`"${name}" is known to Mosquitto but not supported by this version of NotaryMQ; `))
    })
  }

  for (const name of plannedNotaryDirectives) {
    test(`${name} is refused as planned`, () => {
      const { reason } = assertRefused(`${name} x`, 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED', 1)
      assert.equal(
        reason,
        `"${name}" is planned for NotaryMQ but not supported by this version of NotaryMQ; remove it or wait.`,
      )
    })
  }

  for (const name of ['LISTENER', 'listeners', 'notary_protects', 'constructor', 'store_clean_interval']) {
    test(`${name} is refused as unknown`, () => {
      const { reason } = assertRefused(`\n\n${name} 1883`, 'ERR_CONFIG_DIRECTIVE_UNKNOWN', 3)
      assert.equal(reason, `Unknown configuration variable "${name}".`)
    })
  }

  test('port and bind_address are refused with what to write instead', () => {
    assert.match(
      assertRefused('port 1883', 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED', 1).reason,
      /write "listener PORT" instead/,
    )
    assert.match(
      assertRefused('bind_address ::1', 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED', 1).reason,
      /write "listener PORT ADDRESS" instead/,
    )
  })
})
