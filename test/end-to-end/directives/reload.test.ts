import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { type DirectiveName, honouredDirectives, loadConfigFile } from '../../../broker/config/index.ts'
import { createBroker, type NotaryBroker } from '../../../broker/index.ts'
import { freePort } from '../../helpers/broker.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { accessCases } from './reload-access.ts'
import { base, change, type ReloadCase, type Scene, told, unseen } from './reload-case.ts'
import { limitCases } from './reload-limits.ts'
import { logCases } from './reload-log.ts'
import { tlsCases } from './reload-tls.ts'
import { trustCases } from './reload-trust.ts'
import { eventually, sysMessages } from './support.ts'

async function openScene(t: TestContext): Promise<Scene & { reload: (lines: readonly string[]) => Promise<void> }> {
  const scene = { t, port: await freePort(), directory: temporaryDirectory(t) }
  const [location, other] = [temporaryDirectory(t), await freePort()]
  const configFile = join(scene.directory, 'test.conf')
  let broker: NotaryBroker | undefined
  const reload = async (lines: readonly string[]) => {
    const fixed = [`persistence_location ${location}`, `listener ${scene.port} 127.0.0.1`]
    const log = lines.some((line) => line.startsWith('log_dest')) ? [] : ['log_dest none']
    const text = [...fixed, ...log, ...lines, ''].join('\n')
    writeFileSync(configFile, text.replaceAll('DIR', scene.directory).replaceAll('OTHER', `${other}`))
    const { options } = loadConfigFile(configFile)
    if (broker === undefined) {
      broker = await createBroker(options)
      atEnd(t, () => broker?.close())
    } else await broker.reload(options)
  }
  return { ...scene, reload }
}

/** By directive. What stands under another name is `sameAs` in the table or has one effect with it. */
const cases: Partial<Record<DirectiveName, ReloadCase>> = {
  include_dir: {
    before: [base, 'include_dir DIR/one.d'],
    after: [base, 'include_dir DIR/two.d'],
    prepare: ({ directory }) => {
      for (const [name, limit] of Object.entries({ 'one.d': 300, 'two.d': 400 })) {
        mkdirSync(join(directory, name), { recursive: true })
        writeFileSync(join(directory, name, 'a.conf'), `max_packet_size ${limit}\n`)
      }
    },
    look: told('maximumPacketSize'),
    expected: [300, 400],
  },
  notary_response_information: change(
    'notary_response_information one/',
    'notary_response_information two/',
    told('responseInformation', { clientId: 'me', properties: { requestResponseInformation: true } }),
    ['one/me', 'two/me'],
  ),
  auto_id_prefix: change(
    'auto_id_prefix one-',
    'auto_id_prefix two-',
    async (scene) => `${await told('assignedClientIdentifier', { clientId: '' })(scene)}`.slice(0, 4),
    ['one-', 'two-'],
  ),
  listener_auto_id_prefix: change(
    'listener_auto_id_prefix one-',
    'listener_auto_id_prefix two-',
    async (scene) => `${await told('assignedClientIdentifier', { clientId: '' })(scene)}`.slice(0, 4),
    ['one-', 'two-'],
  ),
  sys_interval: {
    ...change('sys_interval 0', 'sys_interval 1', async ({ t, port }) => (await sysMessages(t, port)).size > 0, [
      false,
      true,
    ]),
  },
  ...accessCases,
  ...limitCases,
  ...logCases,
  ...tlsCases,
  ...trustCases,
}

/** Changed by the case of another directive. */
const shownWith: Partial<Record<DirectiveName, DirectiveName>> = {
  keyfile: 'certfile',
  plugin_opt_password_file: 'plugin',
  plugin_opt_acl_file: 'global_plugin',
}

/** Seen by what the real program asks of the system: sockets in `process.test.ts`, the journal in `logging.test.ts`. */
const shownElsewhere: readonly DirectiveName[] = ['set_tcp_nodelay', 'log_facility']

for (const [name, { earlier, before, after, prepare, look, expected }] of Object.entries(cases)) {
  test(`SIGHUP changes ${name}`, async (t) => {
    const scene = await openScene(t)
    await prepare?.(scene)
    if (earlier !== undefined) {
      await scene.reload(earlier.lines)
      await earlier.act(scene)
    }
    for (const [lines, right] of [
      [before, expected[0]],
      [after, expected[1]],
    ] as const) {
      await scene.reload(lines)
      if (right === unseen) continue
      // Some of it is seen a moment later: a line in a file, a value of $SYS, the room on the disk.
      await eventually(
        () => look(scene),
        (found) => isDeepStrictEqual(found, right),
      )
    }
  })
}

test('every directive that SIGHUP changes has a case, and no other', () => {
  const reloaded = Object.keys(honouredDirectives).filter((name) => honouredDirectives[name]?.reload !== 'restart')
  const shown = [...Object.keys(cases), ...Object.keys(shownWith), ...shownElsewhere]
  assert.deepEqual(shown.toSorted(), reloaded.toSorted())
})
