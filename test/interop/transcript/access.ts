import { acl, ann, bob, carol } from './site.ts'
import type { Stage, Step } from './stage.ts'

/** Who may write, seen through acknowledgements of MQTT 5 and by who gets it. */
async function writes(stage: Stage, fields: Parameters<Stage['enter']>[0], topics: readonly string[]): Promise<void> {
  const listener = await stage.enter(ann({ clientId: 'listener' }))
  await listener.subscribe([['#', 0]])
  const writer = await stage.enter(fields)
  for (const topic of topics) {
    for (const qos of [0, 1, 2]) stage.say(`${topic} qos ${qos}: ${await writer.publish(topic, `q${qos}`, { qos })}`)
  }
  await writer.settle(listener)
  stage.sayHeard('listener', listener)
}

/** Who may read, seen through what is delivered. */
async function reads(stage: Stage, fields: Parameters<Stage['enter']>[0], topics: readonly string[]): Promise<void> {
  const reader = await stage.enter(fields)
  stage.say(`reader: ${await reader.subscribe([...topics.map((topic) => [topic, 0] as const), ['#', 0]])}`)
  const writer = await stage.enter(ann({ clientId: 'writer' }))
  for (const topic of topics) await writer.publish(topic, 'x', { qos: 2 })
  await writer.settle(reader)
  stage.sayHeard('reader', reader)
}

const bobWrites = ['open/a', 'open/secret/a', 'data/bob', 'data/ann', 'other', 'home/bob/x', 'home/bob/locked']
const bobReads = ['open/a', 'open/secret/a', 'data/ann', 'data/ann/b', 'other', 'home/bob/x', 'home/ann/x']

/** What acl_file allows, in all versions of MQTT. */
export const access: readonly Step[] = [
  { name: 'MQTT 5: what a user may publish', play: (stage) => writes(stage, bob(), bobWrites) },
  {
    name: 'MQTT 3.1.1: what a user may publish; the rest is acknowledged and gone',
    play: (stage) => writes(stage, bob({ level: 4 }), bobWrites),
  },
  {
    name: 'MQTT 3.1: what a user may publish; the rest is acknowledged and gone',
    play: (stage) => writes(stage, bob({ level: 3 }), bobWrites.slice(0, 3)),
  },
  { name: 'MQTT 5: what a user gets; SUBSCRIBE is never refused', play: (stage) => reads(stage, bob(), bobReads) },
  {
    name: 'MQTT 3.1.1: what a user gets; SUBSCRIBE is never refused',
    play: (stage) => reads(stage, bob({ level: 4 }), bobReads),
  },
  {
    name: 'what an anonymous client may publish',
    play: (stage) =>
      writes(stage, { clientId: 'nobody', level: 5 }, ['open/a', 'inbox/a', 'c/nobody/state', 'c/ann/state']),
  },
  {
    name: 'what an anonymous client gets',
    play: (stage) => reads(stage, { clientId: 'nobody', level: 5 }, ['open/a', 'inbox/a', 'data/x', 'home//x']),
  },
  {
    name: 'patterns with %u and %c',
    play: (stage) =>
      writes(stage, carol(), ['home/carol/x', 'home/carol/locked', 'home/ann/x', 'c/carol-1/state', 'c/carol/state']),
  },
  {
    name: 'a client id with wildcards gets nothing from patterns',
    play: async (stage) => {
      const client = await stage.announce('client', carol({ clientId: 'c+' }))
      stage.say(await client.publish('home/carol/x', 'x', { qos: 1 }))
      stage.say(await client.publish('c/c/state', 'x', { qos: 1 }))
    },
  },
  {
    name: 'publishing below $SYS, $share and other $-topics',
    play: async (stage) => {
      for (const level of [4, 5]) {
        const client = await stage.enter(ann({ level }))
        for (const topic of ['$SYS/broker/version', '$SYS/mine', '$other/a', '$share', '$CONTROL/x'])
          stage.say(`${level} ${topic}: ${await client.publish(topic, 'x', { qos: 1 })}`)
        await client.leave()
      }
    },
  },
  {
    name: 'a retained message is delivered only while its publisher may write its topic',
    play: async (stage) => {
      const writer = await stage.enter(bob())
      await writer.publish('data/bob', 'kept', { qos: 1, retain: true })
      const before = await stage.enter(ann({ clientId: 'before' }))
      await before.subscribe([['data/#', 1]])
      await writer.settle(before)
      stage.sayHeard('before', before)
      await writer.leave()
      await stage.reload({ acl: acl.replace('topic write data/bob\n', '') })
      const after = await stage.enter(ann({ clientId: 'after' }))
      await after.subscribe([['data/#', 1]])
      await after.settle(after)
      stage.sayHeard('after', after)
      await stage.reload({ acl })
      await after.publish('data/bob', '', { qos: 1, retain: true })
    },
  },
]
