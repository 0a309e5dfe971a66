import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  classifyDirective,
  directives,
  handledDirectives,
  honouredDirectives,
  plannedNotaryDirectives,
  refusedFamilies,
} from '../../../broker/config/directives.ts'
import { assertRefused } from './support.ts'

describe('the table', () => {
  test('gives every directive of Mosquitto and ours exactly one verdict, and planned ones none yet', () => {
    for (const [name, { verdict }] of Object.entries(directives)) {
      const isHandled = Object.hasOwn(handledDirectives, name)
      assert.equal(verdict === 'honoured', isHandled, name)
      if (verdict !== 'honoured') assert.equal(classifyDirective(name).kind, verdict, name)
      assert.ok(!plannedNotaryDirectives.includes(name), name)
    }
  })

  test('says of every directive what it does, in one line', () => {
    for (const [name, { syntax, default: fallback, summary }] of Object.entries(directives)) {
      assert.ok(syntax !== '' && fallback !== '' && /^[^\n.]\S.*[^.]$/.test(summary), name)
    }
  })

  test('counts a directive that is switched off among the refused', () => {
    for (const [name, directive] of Object.entries(handledDirectives)) {
      const isOff = 'isUnsupported' in directive
      assert.equal(classifyDirective(name).kind, isOff ? 'refused' : 'honoured')
      assert.equal(name in honouredDirectives, !isOff)
    }
  })

  test('knows nothing else, whatever an object inherits or Mosquitto removed', () => {
    for (const name of [
      ...['constructor', '__proto__', 'toString', 'store_clean_interval', 'connect_timeout', 'Listener', ''],
      ...['password_fil', 'acl_files', 'notary_protects'],
    ]) {
      assert.deepEqual(classifyDirective(name), { kind: 'unknown' })
    }
  })
})

describe('a directive that is not honoured', () => {
  for (const [name, directive] of Object.entries(directives)) {
    if (directive.verdict !== 'refused') continue
    test(`${name} is refused with what to do`, () => {
      const { reason } = assertRefused(`connection c\n${name} x`, 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED', 2)
      assert.equal(reason, `"${name}" is known but refused: ${directive.reason}.`)
    })
  }

  for (const prefix of Object.keys(refusedFamilies)) {
    test(`${prefix}... is refused as an option of a plugin, whatever follows`, () => {
      assertRefused(`${prefix}anything x`, 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED', 1)
    })
  }

  for (const name of plannedNotaryDirectives) {
    test(`${name} is refused as planned`, () => {
      const { reason } = assertRefused(`${name} x`, 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED', 1)
      assert.match(reason, /planned for NotaryMQ/)
    })
  }

  for (const name of ['LISTENER', 'listeners', 'notary_protects', 'constructor', 'store_clean_interval', 'acl_fil']) {
    test(`${name} is refused as unknown`, () => {
      const { reason } = assertRefused(`\n\n${name} 1883`, 'ERR_CONFIG_DIRECTIVE_UNKNOWN', 3)
      assert.equal(reason, `Unknown configuration variable "${name}".`)
    })
  }
})
