import { randomInt } from 'node:crypto'

/** What a responder does with a text, by the name in the topic. Letters as people see them stay whole. */
export const actions = {
  uppercase: (text: string) => text.toUpperCase(),
  lowercase: (text: string) => text.toLowerCase(),
  /** Each run of letters begins with a capital, as with Python's `str.title`. */
  'title-case': (text: string) =>
    text.replace(/[\p{L}\p{M}]+/gu, (word) => {
      const [first = '', ...rest] = graphemes(word)
      return first.toUpperCase() + rest.join('').toLowerCase()
    }),
  reverse: (text: string) => graphemes(text).reverse().join(''),
  shuffle: (text: string) => {
    const letters = graphemes(text)
    for (let last = letters.length - 1; last > 0; last--) {
      const other = randomInt(last + 1)
      const swapped = [letters[other], letters[last]] as [string, string]
      ;[letters[last], letters[other]] = swapped
    }
    return letters.join('')
  },
} as const satisfies Record<string, (text: string) => string>

export type Action = keyof typeof actions

export const actionNames = Object.keys(actions) as readonly Action[]

export function isAction(name: string): name is Action {
  return Object.hasOwn(actions, name)
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

function graphemes(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment)
}
