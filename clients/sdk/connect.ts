import type { IConnackPacket, MqttClient } from 'mqtt'
import { platform } from '#platform'
import { ClientError } from '../errors.ts'
import { failureText } from '../failure-text.ts'
import { connect } from '../mqtt-js.ts'
import { NotaryClient } from './notary-client.ts'
import { type NotaryClientOptions, resolveOptions } from './options.ts'

/**
 * Connects to a broker and does what the options ask for: proves the broker, compares its log with the checkpoint that was
 * kept, agrees on a session key, makes the cipher. Later connections are made and proved by themselves, as MQTT.js reconnects.
 * @param url `mqtt:`, `mqtts:`, `ws:` or `wss:`
 * @throws {ClientError} ERR_OPTIONS, ERR_PUBLIC_KEY, ERR_IDENTITY_FILE, ERR_PASSPHRASE, ERR_CONNECTION, ERR_BROKER_UNPROVEN,
 *   ERR_REFUSED, ERR_TIMEOUT, ERR_KEY_STORE, ERR_SEQUENCE_FILE, and what making the cipher throws
 */
export async function connectAsync(url: string, options: NotaryClientOptions = {}): Promise<NotaryClient> {
  const resolved = await resolveOptions(options, platform)
  const mqtt = connect(url, resolved.mqtt)
  const client = new NotaryClient(mqtt, resolved, platform)
  try {
    await client.establish(await connected(mqtt, url))
    await client.makeCipher()
  } catch (error) {
    await client.endAsync(true)
    throw error
  }
  // The caller goes on first, and listens.
  setTimeout(() => client.start())
  return client
}

/** The first connection is not tried again: who is given a wrong address learns it. */
function connected(mqtt: MqttClient, url: string): Promise<IConnackPacket> {
  return new Promise((resolve, reject) => {
    const fail = (cause?: unknown) => {
      const why = cause === undefined ? 'the connection ended' : failureText(cause)
      reject(new ClientError('ERR_CONNECTION', `cannot connect to ${placeOf(url)}: ${why}`, {}, cause))
    }
    mqtt.once('connect', resolve)
    mqtt.once('error', fail)
    mqtt.once('close', () => fail())
  })
}

/** Nothing secret gets into messages: host and port, without login and path. */
function placeOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the broker'
}
