import type { MqttClient } from 'mqtt'
import { asBuffer } from './as-buffer.ts'
import { ClientError } from './errors.ts'
import { ErrorWithReasonCode, isSubscriptionRefused } from './mqtt-js.ts'

const defaultTimeoutMs = 10_000

/** One question to the broker itself. */
export interface BrokerQuestion {
  readonly requestTopic: string
  /** This client's own. */
  readonly responseTopic: string
  readonly payload: Uint8Array
  /** Default 10 s. */
  readonly timeoutMs?: number
  /** Which message on the response topic answers this question. Default: the first. */
  readonly isAnswer?: (message: Uint8Array) => boolean
}

/**
 * Subscribes to the answer, publishes the request and waits for the message that answers it.
 * @throws {ClientError} ERR_REFUSED, ERR_TIMEOUT, ERR_CONNECTION. Before MQTT 5 a refusal looks like no answer
 */
export function askBroker(client: MqttClient, question: BrokerQuestion): Promise<Uint8Array> {
  const { requestTopic, responseTopic, payload, timeoutMs = defaultTimeoutMs, isAnswer } = question
  return new Promise((resolve, reject) => {
    let isOver = false
    const end = () => {
      isOver = true
      clearTimeout(timer)
      client.removeListener('message', onMessage)
      client.removeListener('close', onClose)
    }
    const onMessage = (topic: string, answer: Buffer) => {
      if (topic !== responseTopic || isAnswer?.(answer) === false) return
      end()
      resolve(answer)
    }
    const fail = (error: ClientError) => {
      end()
      reject(error)
    }
    const onClose = () => fail(new ClientError('ERR_CONNECTION', 'the connection closed before the answer came'))
    const timer = setTimeout(() => {
      fail(new ClientError('ERR_TIMEOUT', `no answer to ${requestTopic} within ${timeoutMs / 1000} s`))
    }, timeoutMs)
    client.on('close', onClose)
    const ask = async () => {
      await client.subscribeAsync(responseTopic, { qos: 0 })
      if (isOver) return
      // Listens first, then asks: the answer may be there before the acknowledgement.
      client.on('message', onMessage)
      await client.publishAsync(requestTopic, asBuffer(payload), { qos: 1 })
    }
    ask().catch((cause: unknown) => fail(notAsked(requestTopic, cause)))
  })
}

function notAsked(topic: string, cause: unknown): ClientError {
  const isRefused = cause instanceof ErrorWithReasonCode || isSubscriptionRefused(cause)
  const why = isRefused ? 'the broker refused the request' : 'the connection broke before the acknowledgement'
  return new ClientError(isRefused ? 'ERR_REFUSED' : 'ERR_CONNECTION', `${topic}: ${why}`, {}, cause)
}
