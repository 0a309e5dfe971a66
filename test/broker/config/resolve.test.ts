import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HonouredDirective } from '../../../broker/config/directive.ts'
import {
  classifyDirective,
  type DirectiveName,
  directives,
  handledDirectives,
} from '../../../broker/config/directives.ts'
import type { BrokerOptions } from '../../../broker/options.ts'
import { bridgeCases } from './cases/bridge.ts'
import { brokerCases } from './cases/broker.ts'
import type { DirectiveCase } from './cases/directive-case.ts'
import { listenerCases } from './cases/listener.ts'
import { logCases } from './cases/logging.ts'
import { notaryCases } from './cases/notary.ts'
import { securityCases } from './cases/security.ts'
import { assertRefused, interpretText, resolveText } from './support.ts'

const cases: Readonly<Record<DirectiveName, DirectiveCase>> = {
  ...listenerCases,
  ...brokerCases,
  ...securityCases,
  ...logCases,
  ...notaryCases,
  ...bridgeCases,
}

for (const [name, { before = '', accepted, refused }] of Object.entries(cases)) {
  const line = before.split('\n').length
  // A directive that is switched off is refused, whatever its value.
  const isOff = classifyDirective(name).kind === 'refused'
  describe(name, () => {
    assert.ok(accepted.length > 0 && refused.length > 0, 'both kinds of values are tried')
    for (const [value, effect] of accepted) {
      test(`accepts ${JSON.stringify(value)}`, () => {
        if (isOff) {
          assertRefused(`${before}${name} ${value}`, 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED', line)
          return
        }
        const options = resolveText(`${before}${name} ${value}`)
        for (const [key, expected] of Object.entries(effect)) {
          assert.deepEqual(options[key as keyof BrokerOptions], expected, key)
        }
      })
    }
    for (const [value, code] of refused) {
      test(`refuses ${JSON.stringify(value.slice(0, 40))} with ${code}`, () => {
        assertRefused(`${before}${name} ${value}`, isOff ? 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED' : code, line)
      })
    }
  })
}

describe('repetition', () => {
  for (const [name, directive] of Object.entries<HonouredDirective>(handledDirectives)) {
    const { before = '', accepted } = cases[name as DirectiveName]
    const place = before.split('\n').length + 1
    const line = `${name} ${accepted[0]?.[0]}\n`
    const twice = `${before}${line}${line}`
    // A connection, a key and a witness have one name each.
    const isNamed = ['connection', 'notary_key', 'notary_witness'].includes(name)
    if (classifyDirective(name).kind === 'refused' || isNamed) continue
    if (directive.repetition === 'once') {
      test(`${name} is refused the second time`, () => {
        const { reason } = assertRefused(twice, 'ERR_CONFIG_VALUE_DUPLICATE', place)
        assert.equal(reason, `Duplicate ${name} value in configuration.`)
      })
    } else {
      const isLast = directive.repetition === 'last'
      test(`${name} may stand twice${isLast ? ', which is said' : ''}`, () => {
        const { mistakes, warnings } = interpretText(twice)
        assert.deepEqual(mistakes, [])
        const again = warnings.filter(({ text }) => / stands here again/.test(text)).map((one) => one.line.lineNumber)
        assert.deepEqual(again, isLast ? [place] : [])
      })
    }
  }
})

for (const [name, { verdict, ...directive }] of Object.entries(directives)) {
  if (verdict === 'ignored' && 'value' in directive) {
    const value = { boolean: 'true', integer: '5', text: 'some thing' }[directive.value]
    test(`${name} has no effect, which is said, and a value that makes no sense is refused all the same`, () => {
      const { options, ignored } = interpretText(`# c\n${name} ${value}`)
      assert.deepEqual(options, interpretText('').options)
      assert.deepEqual(
        [...ignored].map(([line, reason]) => [line.lineNumber, reason]),
        [[2, directive.reason]],
      )
      assertRefused(`\n${name}`, 'ERR_CONFIG_VALUE_MISSING', 2)
      if (directive.value !== 'text') assertRefused(`\n${name} yes`, 'ERR_CONFIG_VALUE_INVALID', 2)
    })
  }
}
