import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand } from '../../clients/cli/command.ts'
import { pub } from '../../clients/cli/pub.ts'
import { subCommand } from '../../clients/cli/sub.ts'
import { startBroker } from '../helpers/broker.ts'
import { runCommandHere } from '../helpers/cli.ts'
import { TestProcess } from '../helpers/processes.ts'
import { hasMosquittoClients } from '../helpers/tools.ts'

/** Every letter of mosquitto_sub 2.0.11 but those that tell the time, with flags and widths. */
const formats = [
  '%A|%C|%D|%E|%F|%l|%P|%p|%q|%R|%r|%S|%t|%x|%X|%%|@@|\\\\|\\t|\\0|\\e|\\v|\\a|\\r|',
  '[%10.3t][%-10t][%05l][%5l][%-5l][%3q][%3r][%10R][%-10.1C][%4A][%04A][%4E][%010t][%.2l][%20p][%5%]',
  '%t',
] as const

const expirySeconds = 86_400
/** What may be left of it when it is printed. */
const secondsLeft = /\b86(?:3[5-9]\d|400)\b/g

const messages = [
  ['-t', 'a/b', '-m', '{"x":1}', '-D', 'publish', 'content-type', 'ct', '-D', 'publish', 'user-property', 'k', 'v'],
  [
    '-t',
    'a/c',
    '-m',
    'hé',
    '-q',
    '1',
    '-D',
    'publish',
    'response-topic',
    'r/t',
    '-D',
    'publish',
    'user-property',
    'k',
    'v',
  ],
  [
    '-t',
    'a/d',
    '-m',
    'x',
    '-D',
    'publish',
    'correlation-data',
    'cd',
    '-D',
    'publish',
    'message-expiry-interval',
    `${expirySeconds}`,
  ],
  ['-t', 'a/e', '-m', '-5', '-D', 'publish', 'payload-format-indicator', '1'],
] as const

/** A line without what depends on when it was printed; of JSON what it says, as Mosquitto has properties in wire order. */
function told(line: string): unknown {
  const still = line.replace(secondsLeft, `${expirySeconds}`)
  return still.startsWith('{"tst"') ? { ...JSON.parse(still), tst: undefined } : still
}

/** Runs `notarymq sub` in this process. */
function subscribe(port: number, args: readonly string[]) {
  let printed = ''
  const sink = { write: (bytes: Uint8Array) => (printed += Buffer.from(bytes).toString()) }
  const errors: string[] = []
  const output = { out: () => {}, error: (text: string) => errors.push(text) }
  const code = runCommand(subCommand(sink), ['-p', `${port}`, ...args], output)
  return code.then((ended) => ({ code: ended, printed, errors }))
}

test('sub prints byte for byte what mosquitto_sub prints, whatever is asked for', async (t) => {
  if (!hasMosquittoClients(t)) return
  const { port } = await startBroker(t)
  // Retained, so that nobody has to wait until all have subscribed.
  for (const message of messages) {
    const { code, stderr } = await runCommandHere(pub, ['-p', `${port}`, '-r', ...message])
    assert.deepEqual([code, stderr], [0, ''])
  }
  const ways = [
    [],
    ['-v'],
    ['-N'],
    ['-v', '-T', 'a/c'],
    ...formats.map((format) => ['-F', format]),
    ['-F', '%j'],
    ['-F', '%J'],
  ]
  const pairs = ways.map((way, at) => {
    const count = way.includes('-T') ? '3' : '4'
    const args = ['-t', 'a/#', '-q', '1', ...way]
    const counted = ['-C', count, '-W', '20']
    const theirs = new TestProcess(t, 'mosquitto_sub', ['-V', 'mqttv5', '-p', `${port}`, ...args, ...counted])
    return { way, theirs, ours: subscribe(port, [...args, ...counted, '-i', `ours-${at}`]) }
  })
  for (const { way, theirs, ours } of pairs) {
    const [{ stdout }, { printed, errors }] = await Promise.all([theirs.ended, ours])
    const lines = (text: string) => text.split('\n').map(told)
    assert.deepEqual(lines(printed), lines(stdout), way.join(' '))
    assert.equal(errors.length, way.includes('%J') ? 2 : 0, errors.join('\n'))
  }
})
