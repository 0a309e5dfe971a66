import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { performance } from 'node:perf_hooks'

// Entry point of a child process: verifies one P-256 signature for the given seconds and sends the rate.

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const message = Buffer.alloc(32, 1)
const dsaEncoding = 'ieee-p1363'
const signature = sign('sha256', message, { key: privateKey, dsaEncoding })
const startedAt = performance.now()
const endAt = startedAt + Number(process.argv[2]) * 1000
let count = 0
while (performance.now() < endAt) {
  if (!verify('sha256', message, { key: publicKey, dsaEncoding }, signature)) throw new Error('signature invalid')
  count++
}
process.send?.(count / ((performance.now() - startedAt) / 1000))
