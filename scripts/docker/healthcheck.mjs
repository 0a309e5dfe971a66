/**
 * Ends with 0 when the broker of this container answers. With NOTARYMQ_READYZ set to the URL of its /readyz (a
 * `notary_http` line), that has to say 200. Without, an MQTT listener on NOTARYMQ_PORT (1883) has to answer a CONNECT:
 * with any CONNACK, as one that refuses strangers is well.
 */
import { get } from 'node:http'
import { createConnection } from 'node:net'

const timeoutMs = 5000
const { NOTARYMQ_READYZ: readyz, NOTARYMQ_PORT: port = '1883' } = process.env

setTimeout(() => end(`no answer within ${timeoutMs} ms`), timeoutMs)
if (readyz === undefined || readyz === '') connectMqtt()
else askReadyz(readyz)

function askReadyz(url) {
  get(url, (response) => end(response.statusCode === 200 ? undefined : `${url} says ${response.statusCode}`)).on(
    'error',
    (error) => end(error.message),
  )
}

function connectMqtt() {
  // CONNECT of MQTT 3.1.1: clean session, keep alive 10 s, client id "healthcheck".
  const connect = Buffer.from('\x10\x17\x00\x04MQTT\x04\x02\x00\x0a\x00\x0bhealthcheck', 'latin1')
  const socket = createConnection({ host: '127.0.0.1', port: Number(port) }, () => socket.write(connect))
  socket.on('data', (answer) => {
    socket.end(Buffer.from([0xe0, 0]))
    end(answer[0] === 0x20 ? undefined : 'the answer is no CONNACK')
  })
  socket.on('error', (error) => end(error.message))
  socket.on('close', () => end('closed without an answer'))
}

function end(problem) {
  if (problem !== undefined) process.stderr.write(`${problem}\n`)
  process.exit(problem === undefined ? 0 : 1)
}
