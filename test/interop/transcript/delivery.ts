import { persistent } from '../../helpers/conformance/build.ts'
import { ann, bob } from './site.ts'
import type { Step } from './stage.ts'

/** Retained messages, sessions, wills and subscriptions. */
export const delivery: readonly Step[] = [
  {
    name: 'QoS of a delivery is the lower one',
    play: async (stage) => {
      const listener = await stage.enter(ann({ clientId: 'listener' }))
      stage.say(await listener.subscribe([0, 1, 2].map((qos) => [`q${qos}/#`, qos] as const)))
      for (const topic of ['q0/a', 'q1/a', 'q2/a'])
        for (const qos of [0, 1, 2]) await listener.publish(topic, `${qos}`, { qos })
      await listener.settle(listener)
      stage.sayHeard('listener', listener)
    },
  },
  {
    name: 'MQTT 5: no subscriber',
    play: async (stage) => {
      const client = await stage.enter(ann())
      for (const qos of [1, 2]) stage.say(await client.publish('nobody/reads', 'x', { qos }))
      stage.say(await client.publish('nobody/reads', 'x', { qos: 1, retain: true }))
      await client.publish('nobody/reads', '', { qos: 1, retain: true })
    },
  },
  {
    name: 'retained: set, read, replaced, cleared',
    play: async (stage) => {
      const writer = await stage.enter(ann())
      const listener = await stage.enter(ann({ clientId: 'listener', level: 4 }))
      await listener.subscribe([['kept/#', 1]])
      for (const [payload, qos] of [
        ['one', 0],
        ['two', 2],
        ['', 1],
      ] as const) {
        await writer.publish('kept/a', payload, { qos, retain: true })
        await writer.settle(listener)
        stage.sayHeard('listener', listener)
        const late = await stage.enter(ann({ clientId: 'late' }))
        await late.subscribe([['kept/+', 2]])
        await late.settle(late)
        stage.sayHeard('late', late)
        await late.leave()
      }
    },
  },
  {
    name: 'MQTT 5: Retain As Published, Retain Handling, No Local, Subscription Identifiers',
    play: async (stage) => {
      const client = await stage.enter(ann())
      await client.publish('kept/a', 'old', { qos: 1, retain: true })
      await client.subscribe([['kept/#', 0x20 | 1]], [['subscriptionIdentifier', 7]])
      await client.subscribe([['kept/+', 0x10 | 1]], [['subscriptionIdentifier', 8]])
      await client.subscribe([['kept/a', 0x04 | 0x08 | 1]], [['subscriptionIdentifier', 9]])
      await client.subscribe([['kept/+', 0x10 | 1]], [['subscriptionIdentifier', 8]])
      await client.publish('kept/a', 'new', { qos: 1, retain: true })
      await client.settle(client)
      stage.sayHeard('client', client)
      await client.publish('kept/a', '', { qos: 1, retain: true })
    },
  },
  {
    name: 'UNSUBSCRIBE, also of what was not subscribed',
    play: async (stage) => {
      for (const level of [4, 5]) {
        const client = await stage.enter(ann({ level }))
        await client.subscribe([['u/a', 1]])
        stage.say(`${level}: ${await client.unsubscribe('u/a', 'u/b')}`)
        await client.publish('u/a', 'x', { qos: 0 })
        await client.settle(client)
        stage.sayHeard(`${level}`, client)
        await client.leave()
      }
    },
  },
  {
    name: 'filters that are none',
    play: async (stage) => {
      for (const filter of ['a/#/b', 'a+', '', '$share/g', '$share//a', '$share/g/']) {
        for (const level of [4, 5]) {
          const client = await stage.enter(ann({ level }))
          stage.say(`${level} "${filter}": ${await client.subscribe([[filter, 0]])}`)
          await client.leave()
        }
      }
    },
  },
  {
    name: 'MQTT 3.1.1: a persistent session with its queue',
    play: async (stage) => {
      const away = await stage.announce('first', ann({ clientId: 'away', level: 4, clean: false }))
      await away.subscribe([['queue/#', 2]])
      await away.leave()
      const writer = await stage.enter(ann())
      for (const qos of [0, 1, 2]) stage.say(await writer.publish('queue/a', `while away ${qos}`, { qos }))
      await writer.settle()
      const back = await stage.announce('back', ann({ clientId: 'away', level: 4, clean: false }))
      await back.settle(back)
      stage.sayHeard('back', back)
      await back.leave()
      await stage.announce('clean', ann({ clientId: 'away', level: 4 }))
    },
  },
  {
    name: 'MQTT 5: a session that outlives its connection, and one that does not',
    play: async (stage) => {
      for (const [name, expiry] of [
        ['kept', 60],
        ['gone', 0],
      ] as const) {
        const away = await stage.announce(name, ann({ clientId: 'away', ...persistent(5, expiry) }))
        await away.subscribe([['queue/#', 1]])
        await away.leave()
        const writer = await stage.enter(ann())
        for (const qos of [0, 1, 2])
          await writer.publish('queue/a', `${qos}`, { qos, properties: [['userProperty', ['k', 'v']]] })
        await writer.leave()
        const back = await stage.announce(`${name} back`, ann({ clientId: 'away', ...persistent(5, 0) }))
        await back.settle(back)
        stage.sayHeard(name, back)
        await back.leave()
      }
    },
  },
  {
    name: 'max_queued_messages: what is beyond it is dropped, the flow completes',
    play: async (stage) => {
      const away = await stage.enter(ann({ clientId: 'away', ...persistent(5) }))
      await away.subscribe([['queue/#', 1]])
      await away.leave()
      const writer = await stage.enter(ann())
      for (let number = 1; number <= 12; number++) stage.say(await writer.publish('queue/a', `${number}`, { qos: 1 }))
      const back = await stage.enter(ann({ clientId: 'away', ...persistent(5, 0) }))
      await back.settle(back)
      stage.sayHeard('back', back)
    },
  },
  {
    name: 'the queue of a client that may not read any more',
    play: async (stage) => {
      const away = await stage.enter(bob({ clientId: 'away', ...persistent(5) }))
      await away.subscribe([['#', 1]])
      await away.leave()
      const writer = await stage.enter(ann())
      for (const topic of ['open/a', 'other', 'open/secret/a', 'data/x']) await writer.publish(topic, 'x', { qos: 1 })
      const back = await stage.enter(bob({ clientId: 'away', ...persistent(5, 0) }))
      await back.settle(back)
      stage.sayHeard('back', back)
    },
  },
  {
    name: 'wills: after the connection vanished, not after DISCONNECT, and after DISCONNECT 0x04',
    play: async (stage) => {
      const listener = await stage.enter(ann({ clientId: 'listener' }))
      await listener.subscribe([['open/#', 2]])
      for (const level of [4, 5]) {
        const dropped = await stage.enter(
          bob({ level, will: { topic: 'open/will', payload: `${level}`, qos: 1, retain: true } }),
        )
        dropped.drop()
        await listener.hears(`open/will '${level}'`)
      }
      const polite = await stage.enter(bob({ will: { topic: 'open/will', payload: 'polite' } }))
      await polite.leave()
      const odd = await stage.enter(bob({ will: { topic: 'open/will', payload: 'odd', qos: 2 } }))
      await odd.leave(4)
      await listener.hears("open/will 'odd'")
      stage.sayHeard('listener', listener)
      const late = await stage.enter(ann({ clientId: 'late' }))
      await late.subscribe([['open/will', 0]])
      await late.settle(late)
      stage.sayHeard('late', late)
      await late.publish('open/will', '', { qos: 1, retain: true })
    },
  },
  {
    name: 'wills to topics that the client may not write',
    play: async (stage) => {
      const listener = await stage.enter(ann({ clientId: 'listener' }))
      await listener.subscribe([['#', 0]])
      for (const level of [4, 5]) {
        const client = await stage.announce(
          `${level}`,
          bob({ level, will: { topic: 'open/secret/w', payload: 'denied', qos: 1 } }),
        )
        client.drop()
        // Its return is the proof that its end was seen.
        const again = await stage.enter(bob({ level, will: { topic: 'open/w', payload: `allowed ${level}` } }))
        again.drop()
        await listener.hears(`open/w 'allowed ${level}'`)
      }
      await listener.settle(listener)
      stage.sayHeard('listener', listener)
    },
  },
  {
    name: 'a will when the client id is taken over',
    play: async (stage) => {
      const listener = await stage.enter(ann({ clientId: 'listener' }))
      await listener.subscribe([['open/#', 0]])
      const old = await stage.enter(bob({ will: { topic: 'open/will', payload: 'taken over' } }))
      await stage.enter(bob())
      stage.say(`old: ${await old.ended()}`)
      await listener.settle(listener)
      stage.sayHeard('listener', listener)
    },
  },
  {
    name: 'MQTT 5: a delayed will is not sent when the client is back before',
    play: async (stage) => {
      const listener = await stage.enter(ann({ clientId: 'listener' }))
      await listener.subscribe([['open/#', 0]])
      const will = { topic: 'open/will', payload: 'late', properties: [['willDelayInterval', 30]] } as const
      const old = await stage.enter(bob({ ...persistent(5), will }))
      old.drop()
      await stage.announce('back', bob(persistent(5, 0)))
      await listener.settle(listener)
      stage.sayHeard('listener', listener)
    },
  },
  {
    name: '$share: every message to one member, none to those who may not read',
    play: async (stage) => {
      const members = [await stage.enter(ann({ clientId: 'm1', level: 4 })), await stage.enter(ann({ clientId: 'm2' }))]
      for (const member of members) stage.say(await member.subscribe([['$share/g/open/#', 1]]))
      const writer = await stage.enter(bob())
      for (let number = 1; number <= 10; number++) await writer.publish('open/a', `${number}`, { qos: 1 })
      await writer.settle(...members)
      const heard = members.map((member) => member.heard())
      stage.say(`${heard.flat().length} messages, ${new Set(heard.flat()).size} different`)
      stage.say(`each has some: ${heard.every((lines) => lines.length > 0)}`)
      const denied = await stage.enter(bob({ clientId: 'm3' }))
      stage.say(`denied: ${await denied.subscribe([['$share/h/other', 1]])}`)
      await members[0]?.publish('other', 'x', { qos: 1 })
      await members[0]?.settle(denied)
      stage.sayHeard('denied', denied)
    },
  },
  {
    name: '$SYS/broker: version, and how many clients are connected',
    play: async (stage) => {
      const client = await stage.enter(ann())
      stage.say(
        await client.subscribe([
          ['$SYS/broker/version', 0],
          ['$SYS/broker/clients/connected', 0],
        ]),
      )
      await client.hears('$SYS/broker/version')
      await stage.enter(bob())
      await client.hears("$SYS/broker/clients/connected '2'")
      const heard = client.heard()
      const [version] = heard.filter((line) => line.startsWith('$SYS/broker/version'))
      stage.say(`${version}`.replace(/'(mosquitto|notarymq) version [^']+'/, "'PROGRAM version NUMBER'"))
      const denied = await stage.enter(bob({ clientId: 'denied' }))
      stage.say(await denied.subscribe([['$SYS/#', 0]]))
      await denied.settle(denied)
      stage.sayHeard('denied', denied)
    },
  },
]
