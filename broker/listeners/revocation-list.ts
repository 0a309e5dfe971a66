import { type KeyObject, verify, type X509Certificate } from 'node:crypto'
import { serialNumberOf } from './certificate-fields.ts'
import { DerError, DerReader, derTag, objectIdentifierOf, timeOf } from './der.ts'

/** What signs a list: OpenSSL's digest, and the keys that may. */
const signatures: Readonly<Record<string, { readonly digest: string | null; readonly keyType: string }>> = {
  '1.2.840.113549.1.1.11': { digest: 'sha256', keyType: 'rsa' },
  '1.2.840.113549.1.1.12': { digest: 'sha384', keyType: 'rsa' },
  '1.2.840.113549.1.1.13': { digest: 'sha512', keyType: 'rsa' },
  '1.2.840.10045.4.3.2': { digest: 'sha256', keyType: 'ec' },
  '1.2.840.10045.4.3.3': { digest: 'sha384', keyType: 'ec' },
  '1.2.840.10045.4.3.4': { digest: 'sha512', keyType: 'ec' },
  '1.3.101.112': { digest: null, keyType: 'ed25519' },
}

/**
 * A certificate revocation list (RFC 5280 section 5). Node would have OpenSSL ask for a list of every authority in a chain;
 * Mosquitto asks for that of the client certificate's own issuer, and so do we.
 */
export class RevocationList {
  /** DER of the issuer's name. */
  readonly issuer: Buffer
  readonly thisUpdateMs: number
  /** After this the list says nothing any more. Undefined: it does not say. */
  readonly nextUpdateMs: number | undefined
  readonly #revoked = new Set<string>()
  readonly #body: Buffer
  readonly #signature: Buffer
  readonly #algorithm: { readonly digest: string | null; readonly keyType: string }
  readonly #signers: X509Certificate[] = []

  /**
   * @param der one list
   * @throws {DerError} no list, or one with a critical extension or a signature algorithm that is not known here
   */
  constructor(der: Buffer) {
    const whole = new DerReader(der)
    const list = whole.enter(derTag.sequence)
    whole.end()
    const body = list.read(derTag.sequence)
    const algorithm = algorithmOf(list.enter(derTag.sequence))
    const signature = list.read(derTag.bitString).content
    list.end()
    if (signature[0] !== 0) throw new DerError('a signature that is no whole number of bytes')
    this.#body = body.encoding
    this.#signature = signature.subarray(1)

    const fields = new DerReader(body.content)
    fields.readOptional(derTag.integer)
    if (algorithmOf(fields.enter(derTag.sequence)) !== algorithm) throw new DerError('two signature algorithms')
    const known = signatures[algorithm]
    if (known === undefined) throw new DerError(`signature algorithm ${algorithm}`)
    this.#algorithm = known
    this.issuer = fields.read(derTag.sequence).encoding
    this.thisUpdateMs = timeOf(fields.read())
    const hasNext = fields.nextTag === derTag.utcTime || fields.nextTag === derTag.generalizedTime
    this.nextUpdateMs = hasNext ? timeOf(fields.read()) : undefined
    // An empty list may be left out, or be there all the same.
    if (fields.nextTag === derTag.sequence) this.#readEntries(fields.enter(derTag.sequence))
    if (fields.nextTag === derTag.explicit0) checkExtensions(fields.enter(derTag.explicit0).enter(derTag.sequence))
    fields.end()
  }

  isRevoked(serialNumber: string): boolean {
    return this.#revoked.has(serialNumber)
  }

  /** Certificates that are known to have signed this list. */
  get signers(): readonly X509Certificate[] {
    return this.#signers
  }

  /** Whether `authority`, which is trusted, signed this list; remembered. */
  isSignedBy(authority: X509Certificate): boolean {
    if (this.#signers.some((one) => one.fingerprint256 === authority.fingerprint256)) return true
    if (!this.#verify(authority.publicKey)) return false
    this.#signers.push(authority)
    return true
  }

  #verify(key: KeyObject): boolean {
    const { digest, keyType } = this.#algorithm
    return key.asymmetricKeyType === keyType && verify(digest, this.#body, key, this.#signature)
  }

  #readEntries(entries: DerReader): void {
    while (!entries.isAtEnd) {
      const entry = entries.enter(derTag.sequence)
      this.#revoked.add(serialNumberOf(entry.read(derTag.integer).content))
      timeOf(entry.read())
      if (entry.nextTag === derTag.sequence) checkExtensions(entry.enter(derTag.sequence))
      entry.end()
    }
  }
}

/** Parameters are absent or NULL with all that are known here. */
function algorithmOf(algorithm: DerReader): string {
  return objectIdentifierOf(algorithm.read(derTag.objectIdentifier).content)
}

const boolean = 0x01

/** None that is critical is known here: delta lists, indirect lists and lists for some certificates only are refused. */
function checkExtensions(extensions: DerReader): void {
  while (!extensions.isAtEnd) {
    const extension = extensions.enter(derTag.sequence)
    const type = objectIdentifierOf(extension.read(derTag.objectIdentifier).content)
    const isCritical = extension.readOptional(boolean)?.content.equals(Buffer.of(0xff)) ?? false
    if (isCritical) throw new DerError(`critical extension ${type}`)
    extension.read()
    extension.end()
  }
}
