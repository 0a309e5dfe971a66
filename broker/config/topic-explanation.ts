import { PublishPolicy, type TopicPolicy } from '../../plugins/authorize-publish/policy.ts'
import { isBrokerTopic, topicMatchesFilter } from '../../protocol/index.ts'
import type { ConfigLine } from './lexer.ts'
import type { TopicLines } from './resolve.ts'

/** A line whose filter covers the topic. */
export interface TopicLine {
  readonly line: ConfigLine
  /** The line with `none` because of which it does not apply to this topic. */
  readonly removedBy: ConfigLine | undefined
}

/** What a configuration says about one topic. */
export interface TopicExplanation {
  /** What its publishes must be. */
  readonly policy: TopicPolicy
  /** Subscribers are told who published. */
  readonly isProvenanceAdded: boolean
  /** Subscribers get the inner payload of attached envelopes. */
  readonly isUnwrapped: boolean
  /** Only the broker publishes there, or takes requests there. */
  readonly isBrokerTopic: boolean
  /** The lines that this comes from: `notary_protect`, `notary_provenance`, `notary_unwrap`; each kind in file order. */
  readonly lines: readonly TopicLine[]
}

/**
 * @param topic a topic name
 * @param topicLines of a configuration without mistakes
 */
export function explainTopic(topic: string, { protect, provenance, unwrap }: TopicLines): TopicExplanation {
  const policy = new PublishPolicy([...protect.keys()])
  const removers = new Map(policy.explain(topic).map(({ rule, removedBy }) => [rule, removedBy]))
  const protecting = [...protect]
    .filter(([{ filter }]) => topicMatchesFilter(topic, filter))
    .map(([rule, line]): TopicLine => {
      const remover = removers.get(rule)
      return { line, removedBy: remover && protect.get(remover) }
    })
  const covering = (lines: ReadonlyMap<ConfigLine, string>) =>
    [...lines]
      .filter(([, filter]) => topicMatchesFilter(topic, filter))
      .map(([line]): TopicLine => ({ line, removedBy: undefined }))
  const telling = covering(provenance)
  const unwrapping = covering(unwrap)
  return {
    policy: policy.of(topic),
    isProvenanceAdded: telling.length > 0,
    isUnwrapped: unwrapping.length > 0,
    isBrokerTopic: isBrokerTopic(topic),
    lines: [...protecting, ...telling, ...unwrapping],
  }
}
