import { createPrivateKey, createPublicKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type P256PublicKey, p256ToJwk } from '../../protocol/index.ts'
import { temporaryDirectory } from './temporary.ts'

/** A public key as the PEM (SPKI) that `notary_keys` takes. */
export function publicPem(key: P256PublicKey): string {
  const { kty, crv, x, y } = p256ToJwk(key)
  return createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString()
}

/**
 * Puts a private key under a passphrase as other tools do: OpenSSL's 2048 iterations, which cost nothing, where ours are
 * 600,000.
 * @param pem without protection
 */
export function writeProtected(path: string, pem: string, passphrase: string): void {
  const protection = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
  writeFileSync(path, createPrivateKey(pem).export(protection), { mode: 0o600 })
}

/** A directory with one `NAME.pem` per key, removed when the test ends. */
export function keysDirectory(t: TestContext, keys: Readonly<Record<string, P256PublicKey>>): string {
  const directory = temporaryDirectory(t)
  for (const [name, key] of Object.entries(keys)) writeFileSync(join(directory, `${name}.pem`), publicPem(key))
  return directory
}
