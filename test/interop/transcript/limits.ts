import { pingBytes } from '../../helpers/conformance/build.ts'
import { packet } from '../../helpers/mqtt-bytes.ts'
import { Player } from './player.ts'
import { ann } from './site.ts'
import type { Step } from './stage.ts'

/** Bytes after CONNACK that no client may send, by what is wrong with them. */
const wrongBytes: readonly (readonly [what: string, bytes: (level: number) => Uint8Array])[] = [
  ['an unknown kind of packet', () => packet(0x00)],
  ['CONNACK from a client', () => packet(0x20, Buffer.from([0, 0]))],
  ['PUBLISH to a topic with a wildcard', (level) => publish(level, 'a/+')],
  ['PUBLISH with QoS 3', (level) => packet(0x36, text('a'), Buffer.from([0, 1]), properties(level))],
  ['PUBLISH with packet id 0', (level) => packet(0x32, text('a'), Buffer.from([0, 0]), properties(level))],
  ['PUBLISH without a topic', (level) => publish(level, '')],
  ['invalid UTF-8 in a topic', (level) => packet(0x30, Buffer.from([0, 1, 0xff]), properties(level))],
  ['U+0000 in a topic', (level) => publish(level, 'a\0b')],
  ['SUBSCRIBE without a filter', (level) => packet(0x82, Buffer.from([0, 1]), properties(level))],
  [
    'SUBSCRIBE with wrong flags',
    (level) => packet(0x80, Buffer.from([0, 1]), properties(level), text('a'), Buffer.from([0])),
  ],
  [
    'SUBSCRIBE with QoS 3',
    (level) => packet(0x82, Buffer.from([0, 1]), properties(level), text('a'), Buffer.from([3])),
  ],
  ['a length of five bytes', () => Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01])],
]

const text = (value: string) => Buffer.concat([Buffer.from([0, Buffer.byteLength(value)]), Buffer.from(value)])
const properties = (level: number) => Buffer.alloc(level === 5 ? 1 : 0)
const publish = (level: number, topic: string) => packet(0x30, text(topic), properties(level), Buffer.from('x'))

/** What is too large or wrong. */
export const limits: readonly Step[] = [
  {
    name: 'max_packet_size: MQTT 5 is told, 3.1.1 closed',
    play: async (stage) => {
      for (const level of [4, 5]) {
        const client = await stage.announce(`${level}`, ann({ level }))
        stage.say(`${level}: ${await client.publish('big', 'x'.repeat(4100), { qos: 1 })}`)
      }
    },
  },
  {
    name: 'message_size_limit: a larger message completes its flow and is gone',
    play: async (stage) => {
      const listener = await stage.enter(ann({ clientId: 'listener' }))
      await listener.subscribe([['big', 2]])
      for (const level of [4, 5]) {
        for (const qos of [0, 1, 2]) {
          for (const size of [1000, 1001]) {
            const client = await stage.enter(ann({ clientId: `${level} ${qos} ${size}`, level }))
            const answer = await client.publish('big', 'x'.repeat(size), { qos })
            stage.say(`${level}, qos ${qos}, ${size} bytes: ${answer}`)
          }
        }
      }
      await (await stage.enter(ann())).settle(listener)
      for (const line of listener.heard()) stage.say(line.replace(/x{1000,}/, (found) => `${found.length} x`))
    },
  },
  {
    name: 'MQTT 5: a topic alias nobody set, and one above the maximum',
    play: async (stage) => {
      for (const alias of [3, 11, 0]) {
        const client = await stage.enter(ann())
        stage.say(`${alias}: ${await client.publish('', 'x', { qos: 1, properties: [['topicAlias', alias]] })}`)
      }
    },
  },
  {
    name: 'MQTT 5: a topic alias that was set',
    play: async (stage) => {
      const client = await stage.enter(ann())
      await client.subscribe([['alias/a', 1]])
      stage.say(await client.publish('alias/a', '1', { qos: 1, properties: [['topicAlias', 10]] }))
      stage.say(await client.publish('', '2', { qos: 1, properties: [['topicAlias', 10]] }))
      await client.settle(client)
      stage.sayHeard('client', client)
    },
  },
  {
    name: 'topics of 200, 201 and 202 levels',
    play: async (stage) => {
      for (const levels of [200, 201, 202]) {
        const client = await stage.enter(ann())
        stage.say(`${levels}: ${await client.publish(Array(levels).fill('a').join('/'), 'x', { qos: 1 })}`)
      }
    },
  },
  ...wrongBytes.map(
    ([what, bytes]): Step => ({
      name: `wrong bytes: ${what}`,
      play: async (stage) => {
        for (const level of [4, 5]) {
          const client = await stage.enter(ann({ level }))
          client.write(Buffer.concat([bytes(level), pingBytes]))
          stage.say(`${level}: ${await client.ended()}`)
        }
      },
    }),
  ),
  {
    name: 'bytes before CONNECT',
    play: async (stage) => {
      stage.say(await Player.greet(stage.program.ports.main, pingBytes))
      stage.say(
        await Player.greet(stage.program.ports.main, Buffer.from(`GET / HTTP/1.1\r\nHost: ${'x'.repeat(100)}\r\n\r\n`)),
      )
    },
  },
]
