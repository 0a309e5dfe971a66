import { generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  type Ed25519PrivateKey,
  encodeVerifierKey,
  isKeyName,
  noteKeyType,
  parseVerifierKey,
  toHex,
  verifierKey,
} from '../../protocol/index.ts'
import { ed25519Of, readPrivateKeyFile, replaceFileDurably, writePrivateKeyFile } from '../audit-chain/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import type { WitnessState } from './witness-state.ts'

const publicMode = 0o644

/** Who cosigns. */
export interface WitnessIdentity {
  readonly name: string
  readonly key: Ed25519PrivateKey
  /** What logs and their readers are given: type 04. */
  readonly vkey: string
}

/**
 * Reads the key of a witness, or makes it where nothing was cosigned yet, and ties it to what the witness remembers. The
 * verifier key lies beside it as `<path>.vkey`.
 * @param path of the private key, PEM
 * @param name of the witness; default: the one it was begun with, `notarymq-witness/<16 hex of SHA-256 of the key>`
 * @throws {PluginError} ERR_KEY_FILE, ERR_KEY_NAME_INVALID, ERR_WITNESS_STATE_LOST, ERR_WITNESS_KEY_MISMATCH,
 *   ERR_STORE_FAILED
 */
export async function openWitnessIdentity(
  path: string,
  name: string | undefined,
  state: WitnessState,
): Promise<WitnessIdentity> {
  const known = await state.readVkey()
  const vkeyPath = `${path}.vkey`
  if (known === undefined && existsSync(vkeyPath)) {
    throw new PluginError('ERR_WITNESS_STATE_LOST', `${vkeyPath} says that this key has cosigned, but not what`)
  }
  const key = await readOrMakeKey(path, known === undefined)
  const knownName = known === undefined ? undefined : parseVerifierKey(known, nativeCrypto).name
  const ownName = name ?? knownName ?? defaultName(key)
  if (!isKeyName(ownName)) throw new PluginError('ERR_KEY_NAME_INVALID', 'the name of a witness has no spaces and no +')
  const vkey = encodeVerifierKey(verifierKey(ownName, noteKeyType.cosignature, key.publicKey, nativeCrypto))
  if (known !== undefined && known !== vkey) {
    throw new PluginError('ERR_WITNESS_KEY_MISMATCH', `this directory belongs to the witness ${known}`)
  }
  // In this order: once others can know the key, the directory is known to belong to it.
  if (known === undefined) await state.writeVkey(vkey)
  if (!existsSync(vkeyPath)) await replaceFileDurably(vkeyPath, `${vkey}\n`, publicMode)
  return { name: ownName, key, vkey }
}

async function readOrMakeKey(path: string, mayMake: boolean): Promise<Ed25519PrivateKey> {
  if (mayMake && !existsSync(path)) {
    try {
      await writePrivateKeyFile(path, generateKeyPairSync('ed25519').privateKey, undefined)
    } catch (cause) {
      throw new PluginError('ERR_KEY_FILE', `cannot write the private key ${path}`, {}, cause)
    }
  }
  return ed25519Of(readPrivateKeyFile(path, undefined).key, path)
}

function defaultName({ publicKey }: Ed25519PrivateKey): string {
  return `notarymq-witness/${toHex(nativeCrypto.sha256(publicKey).subarray(0, 8))}`
}
