import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askAdmin } from '../../clients/ask-admin.ts'
import { connect } from '../../clients/cli/connection.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { brokerThatSays } from '../helpers/scripted-broker.ts'

test('an answer that has the id of the request and nothing else of JSON-RPC is told apart from a refusal', async (t) => {
  for (const [request, rest] of ['"error":null', '"error":{"message":1}', '"method":"audit.progress"'].entries()) {
    const port = await brokerThatSays(t, `{"id":"notarymq-client-${request + 1}",${rest}}`)
    const client = await connect({ host: '127.0.0.1', port: `${port}`, 'protocol-version': 'mqttv5' })
    atEnd(t, () => client.endAsync(true))
    await assert.rejects(askAdmin(client, 'audit.checkpoint', {}), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_ADMIN')
      return error.message.endsWith('none of JSON-RPC 2.0')
    })
  }
})
