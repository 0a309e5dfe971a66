/** Name of the file that tells a stranger what an export is. */
export const manifestName = 'log.json'

const manifestVersion = 1

/**
 * What an export is and how to verify it. Of one version all exports of a log have the same bytes here, which is how it
 * is verified itself.
 */
export function manifestText(origin: string): string {
  const manifest = {
    format: 'notarymq-export',
    version: manifestVersion,
    origin,
    about: 'Export of a NotaryMQ log: a C2SP tlog-tiles directory, with records and headers of blocks beside it.',
    verify:
      'npx notarymq audit verify --export DIRECTORY --vkey log.vkey (the verifier key from somewhere else than here)',
    files: {
      checkpoint: 'signed note of the log: origin, number of records, root hash (https://c2sp.org/tlog-checkpoint)',
      'checkpoint.previous': 'the one before it',
      'tile/<L>/<N>[.p/<W>]': 'hashes of the tree, RFC 9162, 256 wide (https://c2sp.org/tlog-tiles)',
      'tile/entries/<N>[.p/<W>]': 'leaves: 2 bytes length, CBOR [1, time in ms, SHA-256(salt || record)]',
      'records/<N>[.p/<W>]': '4 bytes length, CBOR [salt, record, body / nil], for each leaf of the same bundle',
      'headers/<N>[.p/<W>]': '2 bytes length, COSE_Sign1 by the broker key, for each block that begins in the bundle',
      'keys/broker.pub.pem, keys/log.vkey': 'public keys in force; those before them end in .1, .2 and so on',
    },
    documentation: 'docs/export.md and docs/chain.md of the npm package notarymq',
  }
  return `${JSON.stringify(manifest, undefined, 2)}\n`
}
