import { hex, repositoryText } from './vectors.ts'

/** The fenced blocks of `docs/envelope.md` that have a name. */
export interface DocumentVectors {
  /** A block ```hex NAME. */
  bytes(name: string): Uint8Array
  /** A block ```text NAME. */
  text(name: string): string
}

/** Reads the vectors as somebody does who has the document alone. */
export function documentVectors(): DocumentVectors {
  const found = new Map<string, string>()
  for (const [, kind, name, content] of repositoryText('docs/envelope.md').matchAll(
    /^```(hex|text) ([\w.-]+)\n(.*?)^```$/gms,
  )) {
    const id = `${kind} ${name}`
    if (content === undefined || found.has(id)) throw new Error(`${id} stands twice in docs/envelope.md`)
    found.set(id, content)
  }
  const block = (id: string) => {
    const content = found.get(id)
    if (content === undefined) throw new Error(`docs/envelope.md has no ${id}`)
    return content
  }
  return { bytes: (name) => hex(block(`hex ${name}`)), text: (name) => block(`text ${name}`).trim() }
}

/** The example program of the document. */
export function documentProgram(language: string): string {
  const [, program] =
    new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(repositoryText('docs/envelope.md')) ?? []
  if (program === undefined) throw new Error(`docs/envelope.md has no example in ${language}`)
  return program
}
