import { fromBase64url, type Includable, includable, isValidTopicFilter, parseTimeText } from '../../protocol/index.ts'
import { AdminError } from './errors.ts'

/** Parameters as they came: attacker-controlled JSON. */
export type RawParams = Readonly<Record<string, unknown>>

/** Reads named parameters one by one; `end` refuses those that no method read, so that a typo is not ignored. */
export class ParamReader {
  readonly #params: RawParams
  readonly #read = new Set<string>()

  constructor(params: RawParams) {
    this.#params = params
  }

  optionalText(name: string, maxLength = 65_535): string | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    if (typeof value !== 'string' || value.length > maxLength)
      throw invalid(name, `text of at most ${maxLength} characters`)
    return value
  }

  optionalFilter(name: string): string | undefined {
    const value = this.optionalText(name)
    if (value !== undefined && !isValidTopicFilter(value)) throw invalid(name, 'a topic filter')
    return value
  }

  /** Milliseconds since 1970 of a time in RFC 3339. */
  optionalTime(name: string): number | undefined {
    const text = this.optionalText(name, 64)
    if (text === undefined) return undefined
    const timeMs = parseTimeText(text)
    if (timeMs === undefined) throw invalid(name, 'a time as in RFC 3339')
    return timeMs
  }

  optionalWord<const Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.optionalText(name, 64)
    const word = words.find((one) => one === text)
    if (text !== undefined && word === undefined) throw invalid(name, `one of ${words.join(', ')}`)
    return word
  }

  /** A record index. */
  optionalIndex(name: string): number | undefined {
    return this.optionalInteger(name, 0, Number.MAX_SAFE_INTEGER)
  }

  index(name: string): number {
    const value = this.optionalIndex(name)
    if (value === undefined) throw invalid(name, 'an index')
    return value
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.#take(name)
    if (value !== undefined && typeof value !== 'boolean') throw invalid(name, 'true or false')
    return value
  }

  optionalInteger(name: string, least: number, most: number): number | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
      throw invalid(name, `an integer from ${least} to ${most}`)
    }
    return value
  }

  integer(name: string, least: number, most: number): number {
    const value = this.optionalInteger(name, least, most)
    if (value === undefined) throw invalid(name, `an integer from ${least} to ${most}`)
    return value
  }

  /** Bytes as base64url. */
  optionalBytes(name: string, least: number, most: number): Uint8Array | undefined {
    const text = this.optionalText(name, Math.ceil((most * 4) / 3))
    if (text === undefined) return undefined
    try {
      const bytes = fromBase64url(text)
      if (bytes.length >= least && bytes.length <= most) return bytes
    } catch {
      // Falls through to the one message for everything that is not such bytes.
    }
    throw invalid(name, `base64url of ${least} to ${most} bytes`)
  }

  bytes(name: string, least: number, most: number): Uint8Array {
    const value = this.optionalBytes(name, least, most)
    if (value === undefined) throw invalid(name, 'bytes as base64url')
    return value
  }

  include(): ReadonlySet<Includable> {
    const value = this.#take('include')
    if (value === undefined) return new Set()
    const isList = Array.isArray(value) && value.every((one): one is Includable => includable.includes(one))
    if (!isList) throw invalid('include', `a list of ${includable.join(', ')}`)
    return new Set(value)
  }

  /** A value that the method checks itself. */
  raw(name: string): unknown {
    return this.#take(name)
  }

  end(): void {
    for (const name of Object.keys(this.#params)) {
      if (!this.#read.has(name)) throw new AdminError('invalid-params', `unknown parameter ${name.slice(0, 64)}`)
    }
  }

  #take(name: string): unknown {
    this.#read.add(name)
    return Object.hasOwn(this.#params, name) ? this.#params[name] : undefined
  }
}

function invalid(name: string, expected: string): AdminError {
  return new AdminError('invalid-params', `${name} is not ${expected}`)
}
