import type { TestContext } from 'node:test'
import {
  connect,
  ErrorWithReasonCode,
  ErrorWithSubackPacket,
  type IClientOptions,
  type IClientPublishOptions,
  type IConnackPacket,
  type MqttClient,
} from 'mqtt'
import { atEnd } from './cleanup.ts'

/** A message as a subscriber got it. */
export interface Received {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
  readonly retain: boolean
  readonly correlationData: Buffer | undefined
  /** In their order, but for several of one name, which MQTT.js puts at the place of the first. */
  readonly userProperties: readonly (readonly [name: string, value: string])[]
}

/** A version as MQTT.js is told of it. */
export interface MqttVersion {
  readonly protocolVersion: 3 | 4 | 5
  readonly protocolId?: 'MQIsdp'
}

/** What every test that concerns all versions runs with. */
export const mqttVersions: readonly { readonly name: string; readonly version: MqttVersion }[] = [
  { name: 'MQTT 3.1', version: { protocolVersion: 3, protocolId: 'MQIsdp' } },
  { name: 'MQTT 3.1.1', version: { protocolVersion: 4 } },
  { name: 'MQTT 5', version: { protocolVersion: 5 } },
]

const waitMs = 60_000
let clients = 0

/** MQTT.js as anybody uses it, without reconnecting, and with everything that it received. */
export class TestClient {
  readonly mqtt: MqttClient
  readonly id: string
  readonly received: Received[] = []
  /** How the broker accepted it. */
  connack: IConnackPacket | undefined
  readonly #waiting = new Set<() => void>()

  private constructor(url: string, options: IClientOptions) {
    this.id = options.clientId ?? `test-${++clients}`
    this.mqtt = connect(url, { protocolVersion: 5, ...options, clientId: this.id, reconnectPeriod: 0 })
    this.mqtt.on('message', (topic, payload, { qos, retain, properties }) => {
      const { correlationData, userProperties } = properties ?? {}
      this.received.push({ topic, payload, qos, retain, correlationData, userProperties: pairsOf(userProperties) })
      for (const look of this.#waiting) look()
    })
    this.mqtt.on('close', () => {
      for (const look of this.#waiting) look()
    })
  }

  /**
   * Connects to a TCP port of 127.0.0.1, or to a URL.
   * @throws {ErrorWithReasonCode} with the code of a refusing CONNACK
   */
  static async connect(t: TestContext, where: number | string, options: IClientOptions = {}): Promise<TestClient> {
    const client = new TestClient(typeof where === 'number' ? `mqtt://127.0.0.1:${where}` : where, options)
    atEnd(t, () => client.mqtt.end(true))
    await new Promise<void>((resolve, reject) => {
      client.mqtt.once('connect', (packet) => {
        client.connack = packet
        resolve()
      })
      client.mqtt.once('error', reject)
      client.mqtt.once('close', () => reject(new Error('the connection closed before CONNACK')))
    })
    client.mqtt.on('error', () => {
      // Tests look at what it means: a closed connection, a rejected publish.
    })
    return client
  }

  /** @returns the code in SUBACK: the granted QoS, or 0x80 and above */
  subscribe(filter: string, qos: 0 | 1 | 2 = 2): Promise<number> {
    return new Promise((resolve, reject) => {
      this.mqtt.subscribe(filter, { qos }, (error, granted) => {
        if (error instanceof ErrorWithSubackPacket) resolve(grantedIn(error.packet))
        else if (error) reject(error)
        else resolve(granted?.[0]?.qos ?? -1)
      })
    })
  }

  /** @returns the reason code of the acknowledgement; 0 for what MQTT 3 acknowledges and for QoS 0 */
  publish(topic: string, payload: string | Uint8Array, options: IClientPublishOptions = { qos: 1 }): Promise<number> {
    const bytes = typeof payload === 'string' ? payload : Buffer.from(payload)
    return new Promise((resolve, reject) => {
      this.mqtt.publish(topic, bytes, options, (error) => {
        if (error instanceof ErrorWithReasonCode) resolve(error.code)
        else if (error) reject(error)
        else resolve(0)
      })
    })
  }

  /** Publishes many at QoS 1, `window` of them in flight. @returns their reason codes in order */
  async publishAll(
    publishes: readonly { readonly topic: string; readonly payload: Uint8Array }[],
    window = 16,
  ): Promise<number[]> {
    const codes: number[] = []
    let next = 0
    const publishNext = async (): Promise<void> => {
      for (let i = next++; i < publishes.length; i = next++) {
        const { topic, payload } = publishes[i] as (typeof publishes)[number]
        codes[i] = await this.publish(topic, payload)
      }
    }
    await Promise.all(Array.from({ length: window }, publishNext))
    return codes
  }

  /**
   * Waits until `count` messages that match have come, as long as any come: what takes long tells how far it is.
   * @returns all that match so far
   */
  waitFor(count: number, matches: (message: Received) => boolean = () => true): Promise<readonly Received[]> {
    return new Promise((resolve, reject) => {
      const found: Received[] = []
      let looked = 0
      const timer = setTimeout(() => {
        const topics = this.received.map(({ topic }) => topic).join(', ')
        end(() => reject(new Error(`${this.id}: waited for ${count} messages, received: ${topics}`)))
      }, waitMs)
      const look = () => {
        for (; looked < this.received.length; looked++) {
          const message = this.received[looked]
          if (message !== undefined && matches(message)) found.push(message)
        }
        timer.refresh()
        if (found.length >= count) end(() => resolve(found))
        else if (!this.mqtt.connected) end(() => reject(new Error(`${this.id}: the connection closed`)))
      }
      const end = (settle: () => void) => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        settle()
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** Sends DISCONNECT and waits for the end of the connection. */
  async end(): Promise<void> {
    await this.mqtt.endAsync()
  }

  /** Ends the connection as a lost network does: without DISCONNECT. */
  vanish(): void {
    this.mqtt.stream.destroy()
  }
}

function pairsOf(userProperties: Readonly<Record<string, string | string[]>> | undefined): Received['userProperties'] {
  return Object.entries(userProperties ?? {}).flatMap(([name, values]) => {
    return [values].flat().map((value) => [name, value] as const)
  })
}

function grantedIn({ granted }: ErrorWithSubackPacket['packet']): number {
  const [first] = granted
  return typeof first === 'number' ? first : -1
}
