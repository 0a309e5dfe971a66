/** Part of the help of `audit`. */
export const auditRecoverHelp = `Of a stopped broker whose start is refused (docs/recovery.md):

       notarymq audit recover --db DIR [--anchor PATH]... [--checkpoint FILE]... [--json]
       notarymq audit recover --db DIR [--anchor PATH]... [--checkpoint FILE]... --open-new-log
                              [--origin NAME] [--passphrase-file FILE]
       notarymq audit recover --db DIR --anchor PATH --forget-anchor

recover   says how the chain stands to what was kept of it; changes nothing; exit code 1 when a start would be refused

      --anchor PATH             as notary_anchor (default: those that the store says were written)
      --checkpoint FILE         a checkpoint that somebody else has, as a witness answers with
      --open-new-log            put a new log in its place, with new keys, that names the last checkpoint of the old one
                                and takes over its keys with their numbers; the old one is moved aside, whole
      --origin NAME             name of the new log (default: the old one and /log-2)
      --passphrase-file FILE    what notary_key_passphrase_file names
      --forget-anchor           let the broker start without an anchor that is gone for good; it is written again`
