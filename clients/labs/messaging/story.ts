import { ClientError } from '../../errors.ts'

/** Numbered steps of a lab, each with what it shows. */
export class Story {
  readonly #write: (line: string) => void
  #steps = 0

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  step(title: string): void {
    this.#steps++
    this.#write(`\n${this.#steps}. ${title}`)
  }

  show(text: string): void {
    this.#write(`   ${text}`)
  }

  /** The lab claims what it sees: anything else ends it. @throws {ClientError} ERR_LAB */
  check(isTrue: boolean, claim: string): void {
    if (!isTrue) throw new ClientError('ERR_LAB', `the lab expected: ${claim}`)
    this.show(`ok: ${claim}`)
  }
}
