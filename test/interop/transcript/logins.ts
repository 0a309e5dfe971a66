import { connectBytes } from '../../helpers/conformance/build.ts'
import { ann, bob } from './site.ts'
import type { Step } from './stage.ts'

const levels = [
  ['3.1', 3],
  ['3.1.1', 4],
  ['5', 5],
] as const

/** Who may come in, with which client id, and what CONNACK says. */
export const logins: readonly Step[] = [
  ...levels.map(
    ([version, level]): Step => ({
      name: `MQTT ${version}: logins right, wrong, unknown, without password, in plain text, anonymous`,
      play: async (stage) => {
        await stage.announce('right', ann({ level }))
        await stage.announce('wrong', ann({ level, password: 'pear' }))
        await stage.announce('unknown', { clientId: 'who', level, username: 'who', password: 'apple' })
        if (level !== 3) await stage.announce('none', { clientId: 'none', level, username: 'ann' })
        await stage.announce('plain', { clientId: 'plain', level, username: 'plain', password: 'text' })
        await stage.announce('empty', { clientId: 'empty', level, username: '', password: '' })
        await stage.announce('anonymous', { clientId: 'nobody', level })
      },
    }),
  ),
  {
    name: 'MQTT 5: a password without a username',
    play: async (stage) => {
      await stage.announce('client', { clientId: 'odd', level: 5, password: 'apple' })
    },
  },
  {
    name: 'a level of MQTT that does not exist',
    play: async (stage) => {
      await stage.announce('level 6', { clientId: 'future', level: 6 })
      await stage.announce('level 2', { clientId: 'past', level: 2 })
      await stage.announce('name', { clientId: 'name', level: 4, protocolName: 'MQTX' })
    },
  },
  {
    name: 'MQTT 3.1.1: client ids of zero length',
    play: async (stage) => {
      await stage.announce('clean', { clientId: '', level: 4 })
      await stage.announce('kept', { clientId: '', level: 4, clean: false })
    },
  },
  {
    name: 'MQTT 3.1: client ids of zero length',
    play: async (stage) => {
      await stage.announce('clean', { clientId: '', level: 3 })
    },
  },
  {
    name: 'MQTT 5: client ids of zero length',
    play: async (stage) => {
      await stage.announce('clean', { clientId: '', level: 5 })
      await stage.announce('kept', { clientId: '', level: 5, clean: false })
    },
  },
  {
    name: 'MQTT 3.1: a client id of more than 23 characters',
    play: async (stage) => {
      await stage.announce('client', ann({ level: 3, clientId: 'x'.repeat(30) }))
    },
  },
  {
    name: 'max_keepalive: MQTT 5 is told, 3.1.1 is not asked',
    play: async (stage) => {
      await stage.announce('5, too long', ann({ keepAliveSeconds: 601 }))
      await stage.announce('5, none', ann({ keepAliveSeconds: 0 }))
      await stage.announce('3.1.1, as long', ann({ level: 4, keepAliveSeconds: 600 }))
      await stage.announce('3.1.1, too long', ann({ level: 4, keepAliveSeconds: 601 }))
      await stage.announce('3.1.1, none', ann({ level: 4, keepAliveSeconds: 0 }))
    },
  },
  {
    name: 'use_username_as_clientid: the name is the client id, and takes over',
    play: async (stage) => {
      const { byName } = stage.program.ports
      const first = await stage.announce('first', bob({ clientId: 'one' }), byName)
      await stage.announce('second', bob({ clientId: 'two', level: 4 }), byName)
      stage.say(`first: ${await first.ended()}`)
      await stage.announce('5, nameless', { clientId: 'three', level: 5 }, byName)
      await stage.announce('3.1.1, nameless', { clientId: 'three', level: 4 }, byName)
    },
  },
  {
    name: 'a client id that is in use is taken over',
    play: async (stage) => {
      const old = await stage.announce('old 3.1.1', ann({ level: 4 }))
      const middle = await stage.announce('middle 5', ann())
      stage.say(`old: ${await old.ended()}`)
      await stage.announce('new 5', ann())
      stage.say(`middle: ${await middle.ended()}`)
    },
  },
  {
    name: 'MQTT 5: an authentication method nobody knows',
    play: async (stage) => {
      await stage.announce('client', ann({ properties: [['authenticationMethod', 'SCRAM-SHA-1']] }))
    },
  },
  {
    name: 'a second CONNECT',
    play: async (stage) => {
      for (const [version, level] of levels.slice(1)) {
        const client = await stage.enter(ann({ level }))
        client.write(connectBytes({ clientId: 'again', level }))
        stage.say(`${version}: ${await client.ended()}`)
      }
    },
  },
]
