import { connectionHelp } from './connection.ts'

export const auditHelp = `Usage: notarymq audit SUBCOMMAND ...

Look at what a running broker recorded:
  status [options]            size, root and keys of the chain; publishes accepted and refused since the start
  query [--topic FILTER] [--client ID] [--kid KID] [--outcome WORD] [--kind WORD] [--from-time T] [--to-time T]
        [--from N] [--to N] [--newest-first] [--limit N] [--payload] [options]
                              records that match, oldest first
  tail [-n N] [--follow] [--topic FILTER] [--client ID] [--kid KID] [--outcome WORD] [--kind WORD] [options]
                              the newest records, and with --follow those that come; ends with Ctrl-C
  record N [options]          one record with everything that is stored for it
  gaps KID|NAME [--from N] [--to N] [--limit N] [options]
                              sequence numbers of a key that are not in the chain; exit code 1 when there are any

Prove it:
  checkpoint [options]        the newest signed statement of size and root: keep it, and the log cannot be cut off
                              below it unnoticed
  receipt N [-o NAME] [options]
                              what proves that record N is in the log; with -o as NAME.receipt (COSE),
                              NAME.tlog-proof and NAME.json (all); of a signed publish also as NAME.statement, its
                              envelope with the receipt attached (RFC 9943)
  verify-receipt FILE... [--vkey KEY|FILE | --policy FILE] [--broker-key PEM] [--record FILE]
        [--publisher-key PEM --payload FILE] [--json]
                              verify such files without any broker; exit code 1 when one does not prove its record

Verify all of it; exit code 1 when something was altered, with the first bad record and how far the damage goes:
  verify [--from N] [--to N] [--hashes-only] [options]
                              a running broker
  verify --db DIR [--broker-key PEM] [--checkpoint FILE]... [--from N] [--to N] [--hashes-only] [--json]
                              a stopped broker, or a copy of its data
  verify --export DIR [--vkey KEY|FILE]... [--json]
                              an export, which needs no broker
  export DIR --db DIR [--json]
                              bring an export up to the newest checkpoint of a stopped broker: tiles, records, public
                              keys; a running one does that by notary_export (docs/export.md)
  watch URL --vkey KEY|FILE... [--by leaves|proofs] [--state DIR] [--interval S] [--max-silence S] [--max-age S]
        [--cafile FILE] [--once] [-v] [--json]
                              look at a log over HTTP or MQTT (mqtt://HOST[:PORT]) again and again, from another
                              machine; exit code 1 and the evidence when it does not only grow

Take care of it:
  erase --what bodies|records --reason TEXT [--topic FILTER] [--client ID] [--from N] [--to N] [--dry-run] [options]
                              take payloads, or records with them, out of the chain; proofs of all the rest stay valid
  backup NAME [options]       have a running broker copy store and keys below the directory that notary_backup names
  backup DIR --db DIR [--json]
                              copy those of a stopped one; a copy has the private keys (docs/operations.md)
  reindex --db DIR            build the index for queries anew; never needed for right answers, nor while the broker
                              runs
  recover --db DIR ...        explain why a start is refused, and what can be done: below

Options:
      --topic FILTER            topic filter, as for subscribing
      --client ID               client id
      --kid KID                 key, as 'notarymq keys' prints it
      --outcome WORD            signed, unsigned, unknown-key or will
      --kind WORD               publish, genesis, key, session, config, seq-reuse, erasure, recovery or damage
      --from-time T, --to-time T  not before and not after, RFC 3339: 2026-03-01T08:00:00Z, 2026-03-01T08:00:00+01:00
      --from N, --to N          range of indexes (gaps: of sequence numbers); verify hashes and links
                                everything up to --to, and below --from leaves out publishers' signatures
      --hashes-only             verify no signatures of publishers
      --newest-first            instead of oldest first
      --limit N                 at most this many records or gaps (default 100)
  -n, --lines N                 newest records to begin with (default 10)
  -f, --follow                  go on with those that come
      --dry-run                 only say what would be erased
      --payload                 add the payload of each record (base64url; --json only)
  -o, --output NAME             where to write a receipt
      --vkey KEY|FILE           verifier key of the log to trust, or the file that holds it (keys/log.vkey)
      --policy FILE             logs to trust, and how many of which witnesses must have cosigned (C2SP tlog-policy)
      --publisher-key PEM       key that must have signed the publish of a .statement, and --payload FILE what
      --checkpoint FILE         a checkpoint that was kept, e.g. from 'audit checkpoint': the chain must extend it
      --record FILE             the .json with the record that a .receipt or .tlog-proof is for
      --db DIR                  a stopped broker's data directory, or its store/
      --broker-key PEM          the broker key to trust (default: DIR/keys/broker.pub.pem)
      --export DIR              an export, which needs no broker
      --by leaves|proofs        derive each root from the leaves, which over MQTT are for administrators, or have the
                                broker prove that each tree extends the one before (default: what it allows)
      --state DIR               what a watcher saw, and evidence (default ./notarymq-watch)
      --interval S              seconds between two looks (default 10)
      --max-silence S           alarm when no checkpoint came for so long (default 300)
      --max-age S               alarm when the log did not grow for so long (default: never)
${connectionHelp}
      --json                    machine-readable output; tail: one record a line

Who is no administrator sees records of its own name or key only; nobody sees those of topics that it may not read.`
