import { persistent } from '../../helpers/conformance/build.ts'
import { passwordLine } from '../../helpers/passwords.ts'
import { acl, ann, bob, carol, lines, passwords } from './site.ts'
import type { Step } from './stage.ts'

/** SIGHUP and restarts. */
export const reloads: readonly Step[] = [
  {
    name: 'SIGHUP with nothing changed: everybody stays',
    play: async (stage) => {
      const clients = [
        await stage.enter(ann()),
        await stage.enter(bob({ level: 4 })),
        await stage.enter({ clientId: 'nobody' }),
      ]
      await stage.reload({})
      for (const client of clients) {
        stage.say(await client.publish('sync/x', 'x', { qos: 1 }))
      }
    },
  },
  {
    name: 'SIGHUP with another password: the new one counts, the old one not; who was in',
    play: async (stage) => {
      const old = await stage.enter(ann({ clientId: 'old' }))
      const other = await stage.enter(bob())
      await stage.reload({ passwords: passwords.replace(/^ann:.*$/m, passwordLine('ann', 'avocado')) })
      await stage.announce('new password', ann({ password: 'avocado' }))
      await stage.announce('old password', ann({ clientId: 'late' }))
      stage.say(`old: ${await old.publish('sync/x', 'x', { qos: 1 })}`)
      stage.say(`other: ${await other.publish('sync/x', 'x', { qos: 1 })}`)
      await stage.reload({ passwords })
    },
  },
  {
    name: 'SIGHUP after a user was deleted and one added',
    play: async (stage) => {
      const deleted = await stage.enter(carol())
      const old4 = await stage.enter(carol({ clientId: 'carol-4', level: 4 }))
      await stage.reload({ passwords: `${passwords.replace(/^carol:.*\n/m, '')}${passwordLine('eve', 'elder')}\n` })
      stage.say(`deleted, 5: ${await deleted.publish('sync/x', 'x', { qos: 1 })}`)
      stage.say(`deleted, 3.1.1: ${await old4.publish('sync/x', 'x', { qos: 1 })}`)
      await stage.announce('deleted again', carol())
      await stage.announce('added', { clientId: 'eve', level: 5, username: 'eve', password: 'elder' })
      await stage.reload({ passwords })
    },
  },
  {
    name: 'SIGHUP with another acl_file: it holds for subscriptions that are there',
    play: async (stage) => {
      const reader = await stage.enter(bob())
      const writer = await stage.enter(ann())
      await reader.subscribe([['#', 0]])
      await writer.publish('open/a', 'before', { qos: 1 })
      await writer.publish('other', 'before', { qos: 1 })
      await writer.settle(reader)
      stage.sayHeard('reader', reader)
      await stage.reload({ acl: acl.replace('topic open/#', 'topic other') })
      await writer.publish('open/a', 'after', { qos: 1 })
      await writer.publish('other', 'after', { qos: 1 })
      await writer.settle(reader)
      stage.sayHeard('reader', reader)
      stage.say(await reader.publish('open/a', 'x', { qos: 1 }))
      stage.say(await reader.publish('other', 'x', { qos: 1 }))
      await stage.reload({ acl })
    },
  },
  {
    name: 'SIGHUP that takes anonymous clients their permission',
    play: async (stage) => {
      const nobody = await stage.enter({ clientId: 'nobody', level: 5 })
      const known = await stage.enter(ann())
      await stage.reload({ lines: lines.map((line) => line.replace('allow_anonymous true', 'allow_anonymous false')) })
      stage.say(`nobody: ${await nobody.publish('sync/x', 'x', { qos: 1 })}`)
      stage.say(`known: ${await known.publish('sync/x', 'x', { qos: 1 })}`)
      await stage.announce('5', { clientId: 'somebody', level: 5 })
      await stage.announce('3.1.1', { clientId: 'somebody', level: 4 })
      await stage.reload({ lines })
      await stage.announce('allowed again', { clientId: 'somebody', level: 5 })
    },
  },
  {
    name: 'SIGHUP with another max_keepalive and message_size_limit',
    play: async (stage) => {
      const shorter = lines.map((line) => line.replace('max_keepalive 600', 'max_keepalive 300'))
      await stage.reload({ lines: shorter.map((line) => line.replace('size_limit 1000', 'size_limit 10')) })
      const client = await stage.announce('client', ann({ keepAliveSeconds: 400 }))
      stage.say(await client.publish('big', 'x'.repeat(11), { qos: 1 }))
      await stage.reload({ lines })
    },
  },
  {
    name: 'SIGHUP with a broken acl_file',
    play: async (stage) => {
      const client = await stage.enter(bob())
      await stage.reload({ acl: 'user bob\ntopic nonsense open/#\ntopic write other/#\n' })
      stage.say(`open/a: ${await client.publish('open/a', 'x', { qos: 1 })}`)
      stage.say(`other/a: ${await client.publish('other/a', 'x', { qos: 1 })}`)
      await stage.announce('new', bob({ clientId: 'new' }))
      await stage.reload({ acl })
      stage.say(`open/a: ${await client.publish('open/a', 'x', { qos: 1 })}`)
    },
  },
  {
    name: 'restart: sessions, queue and retained messages are there',
    play: async (stage) => {
      const away = await stage.enter(ann({ clientId: 'away', ...persistent(5) }))
      await away.subscribe([['queue/#', 1]])
      await away.leave()
      const writer = await stage.enter(ann())
      await writer.publish('queue/a', 'before the restart', { qos: 1 })
      await writer.publish('kept/a', 'before the restart', { qos: 1, retain: true })
      const old = await stage.enter(ann({ clientId: 'old', level: 4 }))
      await stage.program.restart()
      stage.say(`5: ${await writer.ended()}`)
      stage.say(`3.1.1: ${await old.ended()}`)
      const back = await stage.announce('back', ann({ clientId: 'away', ...persistent(5, 0) }))
      await back.subscribe([['kept/#', 1]])
      await back.settle(back)
      stage.sayHeard('back', back)
      await back.publish('kept/a', '', { qos: 1, retain: true })
    },
  },
  {
    name: 'TERM ends it',
    play: async (stage) => {
      stage.say(`exit code ${await stage.program.end('SIGTERM')}`)
    },
  },
]
