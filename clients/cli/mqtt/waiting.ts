import { ClientError } from '../../errors.ts'
import type { NotaryClient } from '../../sdk/index.ts'
import { exitCode } from '../command.ts'

/** What Mosquitto's clients end with after -W: MOSQ_ERR_TIMEOUT. */
const timeoutExitCode = 27

/** @returns that exit code, after so long; the process need not wait for it */
function timedOut(ms: number): Promise<number> {
  return new Promise((resolve) => setTimeout(() => resolve(timeoutExitCode), ms).unref())
}

/**
 * @param timeoutMs 0: as long as it takes
 * @returns what comes first: an exit code, 27 when the time is over, or 0 with the first SIGINT or SIGTERM
 */
export async function untilSignal(code: Promise<number>, timeoutMs: number): Promise<number> {
  const signals = ['SIGINT', 'SIGTERM'] as const
  let onSignal = () => {}
  const signalled = new Promise<number>((resolve) => {
    onSignal = () => resolve(exitCode.ok)
  })
  for (const signal of signals) process.once(signal, onSignal)
  try {
    return await Promise.race([code, signalled, ...(timeoutMs === 0 ? [] : [timedOut(timeoutMs)])])
  } finally {
    for (const signal of signals) process.removeListener(signal, onSignal)
  }
}

/**
 * What comes first: the end of some work, or the loss of a connection that is not made again.
 * @throws {ClientError} ERR_CONNECTION, and what the work throws
 */
export function whileConnected<T>(client: NotaryClient, work: Promise<T>): Promise<T> {
  const lost = new Promise<never>((_resolve, reject) => {
    client.on('close', () => reject(new ClientError('ERR_CONNECTION', 'the connection to the broker was lost')))
  })
  return Promise.race([work, lost])
}
