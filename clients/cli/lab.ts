import { phaseA, phaseB, phaseC, type Scene, Story } from '../labs/messaging/index.ts'
import { bySubcommand, type Command, exitCode, integerOption, parseOptions, usageError } from './command.ts'
import { connectionHelp, connectionOptions } from './connection.ts'

type Phase = (scene: Scene) => Promise<unknown>

const phases: ReadonlyMap<string | undefined, Phase> = new Map<string, Phase>([
  ['A', phaseA],
  ['B', phaseB],
  ['C', phaseC],
])

const options = {
  ...connectionOptions,
  phase: { type: 'string' },
  'link-port': { type: 'string', default: '1884' },
  keys: { type: 'string', default: 'notarymq-lab' },
} as const

export const lab: Command = {
  name: 'lab',
  help: `Usage: notarymq lab messaging --phase A|B|C [options]

The lab "securing a distributed messaging service". A: ECDH over a socket, then signed and HMACed messages over it, then
the same identity over MQTT. B: the same exchange over MQTT topics, signed and HMACed publishes with QoS 0, 1 and 2, and
altered ones. C: phase B, then every verified message in the chain, and an alteration of any stored block is located.
Two parties that share --keys verify each other's messages: 'python3 -m notarymq.lab' of clients/python is another.

      --phase A|B|C
      --link-port PORT          A: port of the listener with 'protocol notary-link' (default 1884)
      --keys DIR                own key, made when it is not there, and public keys to believe (default notarymq-lab)
${connectionHelp}
  -V, --protocol-version V      mqttv31, mqttv311 or mqttv5 (default mqttv5)

The key is enrolled where this client is an administrator, which C needs. Exit code 1: a step did not show its claim.`,
  run: bySubcommand({
    messaging: async () => async (args, output) => {
      const values = parseOptions(args, options)
      const run = phases.get(values.phase)
      if (run === undefined) throw usageError('--phase is A, B or C')
      const linkPort = integerOption('--link-port', values['link-port'], 1, 65535) as number
      await run({ story: new Story(output.out), flags: values, linkPort, keys: values.keys })
      output.out(`\nPhase ${values.phase}: all steps passed.`)
      return exitCode.ok
    },
  }),
}
