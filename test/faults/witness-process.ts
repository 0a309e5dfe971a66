// A witness in a process of its own that dies of SIGKILL just before or just after it stored a checkpoint. Not a test:
// `kill-9-witness.test.ts` starts it.
import { join } from 'node:path'
import { openWitnessServer } from '../../broker/http/witness-server.ts'
import { nativeCrypto, openWitnessIdentity, Witness, WitnessState } from '../../plugins/index.ts'
import { ed25519NoteVerifier, parseVerifierKey } from '../../protocol/index.ts'

const [directory = '', vkey = '', dies = ''] = process.argv.slice(2)
const state = await WitnessState.open(join(directory, 'db'))
const identity = await openWitnessIdentity(join(directory, 'witness.pem'), undefined, state)
const die = () => process.kill(process.pid, 'SIGKILL')
const witness = new Witness({
  identity,
  state: {
    readNote: (origin) => state.readNote(origin),
    writeNote: async (origin, note) => {
      if (dies === 'before') die()
      await state.writeNote(origin, note)
      if (dies === 'after') die()
    },
    close: () => state.close(),
  },
  logs: [ed25519NoteVerifier(parseVerifierKey(vkey, nativeCrypto), nativeCrypto)],
  crypto: nativeCrypto,
  now: Date.now,
  onEvent: () => {},
})
const { url } = await openWitnessServer({ port: 0, witness, onError: () => process.exit(1) })
process.stdout.write(`${url}\n`)
