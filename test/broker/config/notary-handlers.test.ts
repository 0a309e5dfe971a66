import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainCertificateKeys } from '../../../broker/config/certificate-keys.ts'
import { emptyDraft } from '../../../broker/config/draft.ts'
import { lexConfig } from '../../../broker/config/lexer.ts'
import { notaryHandlers } from '../../../broker/config/notary-handlers.ts'
import { configErrorOf } from './support.ts'

test('every key has one notary_key line, and a second one for the same name is refused', () => {
  const draft = emptyDraft(1883)
  const [first, other, again] = lexConfig(
    'notary_key a gateway\nnotary_key b topics x\nnotary_key a window 100',
    't.conf',
  ).map((line) => () => notaryHandlers.notary_key(draft, line))
  first?.()
  other?.()
  const { code, line } = configErrorOf(() => again?.())
  assert.deepEqual([code, line], ['ERR_CONFIG_VALUE_DUPLICATE', 3])
  assert.deepEqual(
    [...draft.keyRules.values()],
    [
      { name: 'a', restrictions: { gateway: true } },
      { name: 'b', restrictions: { topics: ['x'] } },
    ],
  )
})

test('notary_enroll_certificates has no effect without a listener that requires certificates, and that is said', () => {
  const tls = { certFile: 'c', keyFile: 'k', caFile: 'a' }
  const plain = { protocol: 'mqtt', port: 8883, tls } as const
  const mutual = { ...plain, tls: { ...tls, requireCertificate: true } }
  for (const [value, listeners, isSaid] of [
    ['true', [plain], true],
    ['true', [plain, mutual], false],
    ['false', [plain], false],
  ] as const) {
    const draft = emptyDraft(1883)
    for (const line of lexConfig(`notary_enroll_certificates ${value}`, 't.conf')) {
      notaryHandlers.notary_enroll_certificates(draft, line)
    }
    explainCertificateKeys(draft, listeners)
    assert.equal(draft.ignored.size, isSaid ? 1 : 0, `${value} ${listeners.length}`)
  }
})
