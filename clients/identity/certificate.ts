import { TLSSocket } from 'node:tls'
import type { MqttClient } from 'mqtt'
import { nobleCrypto } from '../../protocol/index.ts'

/** SHA-256 of the server certificate (DER) of a connection; undefined without TLS. */
export function certificateSha256({ stream }: MqttClient): Uint8Array | undefined {
  const certificate = stream instanceof TLSSocket ? stream.getPeerX509Certificate() : undefined
  return certificate === undefined ? undefined : nobleCrypto.sha256(certificate.raw)
}
