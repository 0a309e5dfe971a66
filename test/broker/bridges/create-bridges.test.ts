import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { BridgeError, type BridgeErrorCode, type BridgeOptions, createBridges } from '../../../broker/bridges/index.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { bridgeOptions, topicLine } from './bridge-fixture.ts'

const dependencies = {
  accept: () => assert.fail('nothing is connected'),
  publishLocal: () => assert.fail('nothing is published'),
  subscriptionsOf: () => assert.fail('no bridge connects'),
  log: { notice: () => {}, warning: () => {}, error: () => {} },
  onError: () => assert.fail('nothing goes wrong later'),
}

function codeOf(options: readonly BridgeOptions[]): BridgeErrorCode | undefined {
  try {
    createBridges(options, dependencies)
    return undefined
  } catch (error) {
    if (error instanceof BridgeError) return error.code
    throw error
  }
}

test('options that could only fail later are refused when the bridges are made', (t: TestContext) => {
  const good = bridgeOptions(1883, { topics: [topicLine('#', 'both', 2)] })
  assert.equal(codeOf([good]), undefined)
  assert.equal(codeOf([good, { ...good, remoteClientId: 'other' }]), undefined)
  assert.equal(codeOf([good, good]), 'ERR_BRIDGE_OPTIONS_INVALID')
  assert.equal(codeOf([{ ...good, addresses: [] }]), 'ERR_BRIDGE_OPTIONS_INVALID')
  assert.equal(codeOf([{ ...good, topics: [topicLine('a/#/b', 'in', 0)] }]), 'ERR_BRIDGE_OPTIONS_INVALID')
  const file = join(temporaryDirectory(t), 'not.pem')
  assert.equal(codeOf([{ ...good, tls: { caFile: file } }]), 'ERR_BRIDGE_TLS_UNUSABLE')
  writeFileSync(file, 'not PEM')
  assert.equal(codeOf([{ ...good, tls: { caFile: file, certFile: file } }]), 'ERR_BRIDGE_TLS_UNUSABLE')
})

test('a bridge that was never started can be closed', async () => {
  await createBridges([bridgeOptions(1883)], dependencies).close()
})
