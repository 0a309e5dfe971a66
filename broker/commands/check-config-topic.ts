import type { Output } from '../../clients/cli/command.ts'
import type { TopicPolicy } from '../../plugins/authorize-publish/policy.ts'
import type { ConfigLine } from '../config/index.ts'
import type { TopicExplanation } from '../config/topic-explanation.ts'

/** Says what a configuration says about a topic: sentences, then the lines that they come from. */
export function printExplanation(topic: string, explanation: TopicExplanation, output: Output): void {
  for (const sentence of sentences(topic, explanation)) output.out(sentence)
  for (const { line, removedBy } of explanation.lines) {
    const text = `${line.name} ${line.value}`
    if (removedBy === undefined) output.out(`${placeOf(line)}  applies  ${text}`)
    else output.out(`${placeOf(line)}  removed  ${text}: by ${placeOf(removedBy)}`)
  }
}

/** The same as one JSON object. */
export function explanationJson(topic: string, explanation: TopicExplanation): string {
  const { policy, isProvenanceAdded, isUnwrapped, isBrokerTopic, lines } = explanation
  return JSON.stringify({
    topic,
    requires: { ...policy, freshSeconds: policy.freshSeconds ?? null },
    provenance: isProvenanceAdded,
    unwrap: isUnwrapped,
    brokerTopic: isBrokerTopic,
    lines: lines.map(({ line, removedBy }) => ({
      file: line.file,
      line: line.lineNumber,
      directive: line.name,
      value: line.value,
      removedBy: removedBy === undefined ? null : { file: removedBy.file, line: removedBy.lineNumber },
    })),
  })
}

function sentences(topic: string, explanation: TopicExplanation): readonly string[] {
  const { policy, isProvenanceAdded, isUnwrapped, isBrokerTopic } = explanation
  if (isBrokerTopic) return [`${topic} belongs to the broker: what clients publish there is a request, or refused.`]
  const demands = demandsOf(policy)
  return [
    demands.length === 0
      ? `Publishes to ${topic} may be anything.`
      : `Publishes to ${topic} must be ${demands.join(', ')}.`,
    ...(policy.tls ? ['Subscribers get them over TLS only.'] : []),
    ...(isProvenanceAdded ? ['MQTT 5 subscribers are told who published them.'] : []),
    ...(isUnwrapped ? ['Subscribers get the inner payload of attached envelopes.'] : []),
  ]
}

function demandsOf({ signed, mac, encrypted, tls, freshSeconds, keys }: TopicPolicy): readonly string[] {
  return [
    ...(signed ? ['signed by an enrolled key'] : []),
    ...keys.map((pattern) => `by a key named ${pattern}`),
    ...(freshSeconds === undefined ? [] : [`at most ${freshSeconds} s old`]),
    ...(mac ? ['inside a hop MAC'] : []),
    ...(encrypted ? ['encrypted'] : []),
    ...(tls ? ['over TLS'] : []),
  ]
}

function placeOf({ file, lineNumber }: ConfigLine): string {
  return `${file}:${lineNumber}`
}
