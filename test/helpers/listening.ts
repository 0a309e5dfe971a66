import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Whether something accepts TCP connections there. */
export async function isListening(port: number, host = '127.0.0.1'): Promise<boolean> {
  const socket = connect({ host, port })
  const result = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return result
}

/**
 * Waits until a program that was started accepts connections on a loopback port.
 * @param ended resolves when the program ends
 * @returns what `ended` gave, when the program ended instead; else undefined
 */
export async function untilListening<Ended>(port: number, ended: Promise<Ended>): Promise<Ended | undefined> {
  let hasEnded = false
  const end = ended.finally(() => {
    hasEnded = true
  })
  while (!(await isListening(port))) {
    if (hasEnded) return end
    await sleep(10)
  }
  return undefined
}
