import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DirectiveName } from '../../../broker/config/index.ts'
import { openWebSocket } from '../../broker/listeners/support.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { passwordLine } from '../../helpers/passwords.ts'
import { base, change, comesIn, publishes, type ReloadCase, type Scene } from './reload-case.ts'

const statusRequest = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'audit.status' })

/** Whether a new subscriber gets what was retained. */
const retained = async ({ t, port }: Scene): Promise<boolean> => {
  const client = await TestClient.connect(t, port)
  await client.subscribe('a', 0)
  // Retained messages come with SUBACK; this one comes after them.
  await client.subscribe('end', 0)
  await client.publish('end', '')
  await client.waitFor(1, ({ topic }) => topic === 'end')
  return client.received.some(({ topic }) => topic === 'a')
}

function passwordFiles({ directory }: Scene): void {
  writeFileSync(join(directory, 'ann.passwords'), `${passwordLine('ann', 'secret-a')}\n`)
  writeFileSync(join(directory, 'bob.passwords'), `${passwordLine('bob', 'secret-b')}\n`)
  writeFileSync(join(directory, 'closed.acl'), 'topic read a\ntopic end\n')
  writeFileSync(join(directory, 'open.acl'), 'topic a\ntopic end\n')
}

const ann = { username: 'ann', password: 'secret-a' }

/** By password file: of ann, then of bob. */
const annThenBob = (before: readonly string[], after: readonly string[]): ReloadCase => ({
  before: [...before, 'allow_anonymous false'],
  after: [...after, 'allow_anonymous false'],
  prepare: passwordFiles,
  look: comesIn(ann),
  expected: [0, 0x87],
})

const closedThenOpen = (before: readonly string[], after: readonly string[]): ReloadCase => ({
  before: [base, ...before],
  after: [base, ...after],
  prepare: passwordFiles,
  look: publishes('a'),
  expected: [0x87, 0],
})

const mqttAt =
  (origin: string) =>
  async ({ t, port }: Scene) =>
    openWebSocket(t, `ws://127.0.0.1:${port}`, { origin }).then(
      () => 'in',
      () => 'refused',
    )

/** By who comes in, and what they may do. */
export const accessCases = {
  per_listener_settings: {
    // The line belongs to the broker, then to the other listener alone.
    before: ['listener OTHER 127.0.0.1', base],
    after: ['per_listener_settings true', 'listener OTHER 127.0.0.1', base],
    look: comesIn(),
    expected: [0, 0x87],
  },
  allow_anonymous: { before: ['allow_anonymous false'], after: [base], look: comesIn(), expected: [0x87, 0] },
  listener_allow_anonymous: change('listener_allow_anonymous false', 'auto_id_prefix x-', comesIn(), [0x87, 0]),
  password_file: annThenBob(['password_file DIR/ann.passwords'], ['password_file DIR/bob.passwords']),
  acl_file: closedThenOpen(['acl_file DIR/closed.acl'], ['acl_file DIR/open.acl']),
  plugin: annThenBob(
    ['plugin mosquitto_password_file.so', 'plugin_opt_password_file DIR/ann.passwords'],
    ['plugin mosquitto_password_file.so', 'plugin_opt_password_file DIR/bob.passwords'],
  ),
  global_plugin: closedThenOpen(
    ['global_plugin mosquitto_acl_file.so', 'plugin_opt_acl_file DIR/closed.acl'],
    ['global_plugin mosquitto_acl_file.so', 'plugin_opt_acl_file DIR/open.acl'],
  ),
  check_retain_source: {
    earlier: {
      lines: [base, 'acl_file DIR/open.acl'],
      act: async ({ t, port }) => {
        await (await TestClient.connect(t, port)).publish('a', 'x', { qos: 1, retain: true })
      },
    },
    before: [base, 'acl_file DIR/closed.acl'],
    after: [base, 'acl_file DIR/closed.acl', 'check_retain_source false'],
    prepare: passwordFiles,
    look: retained,
    expected: [false, true],
  },
  clientid_prefixes: change('clientid_prefixes a-', 'clientid_prefixes b-', comesIn({ clientId: 'b-1' }), [0x87, 0]),
  allow_zero_length_clientid: change(
    'allow_zero_length_clientid false',
    'allow_zero_length_clientid true',
    comesIn({ clientId: '' }),
    [0x85, 0],
  ),
  use_username_as_clientid: change(
    'use_username_as_clientid true',
    'use_username_as_clientid false',
    comesIn({ clientId: 'me' }),
    [0x87, 0],
  ),
  accept_protocol_versions: change('accept_protocol_versions 3,4', 'accept_protocol_versions 5', comesIn(), [0x84, 0]),
  websockets_origin: {
    before: [base, 'protocol websockets', 'websockets_origin http://one.example'],
    after: [base, 'protocol websockets', 'websockets_origin http://two.example'],
    look: mqttAt('http://two.example'),
    expected: ['refused', 'in'],
  },
  notary_admin: {
    before: [base],
    after: [base, 'notary_admin anonymous'],
    look: async ({ t, port }) => 'result' in (await (await TestAdmin.connect(t, port)).send(statusRequest)),
    expected: [false, true],
  },
} satisfies Partial<Record<DirectiveName, ReloadCase>>
