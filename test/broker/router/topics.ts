import fc from 'fast-check'

/** Few and awkward, so that random topics and filters meet often. */
const level = fc.constantFrom('', 'a', 'b', '$', '$x', '__proto__', 'constructor')

const notEmpty = (text: string): boolean => text !== ''

export const topicName: fc.Arbitrary<string> = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter(notEmpty)

export const topicFilter: fc.Arbitrary<string> = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([levels, rest]) => [...levels, ...(rest ? ['#'] : [])].join('/'))
  .filter(notEmpty)
