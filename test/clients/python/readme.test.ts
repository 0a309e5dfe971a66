import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cliArguments, startBroker } from '../../helpers/broker.ts'
import { run } from '../../helpers/processes.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { hasPython, python } from '../../helpers/tools.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const readme = readFileSync(join(root, 'clients', 'python', 'README.md'), 'utf8')

function examples(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, code = '']) => code)
}

/** Runs lines of the README as pasted, in another directory and against another port. */
async function paste(t: TestContext, lines: string, directory: string, port: number) {
  const notarymq = [process.execPath, ...cliArguments].join(' ')
  const adapted = lines
    .replaceAll('clients/python', join(root, 'clients', 'python'))
    .replaceAll('npx notarymq enroll', `${notarymq} enroll -p ${port}`)
    .replaceAll('python3 -m notarymq pub', `python3 -m notarymq pub -p ${port}`)
    .replaceAll('python3 -m notarymq sub', `python3 -m notarymq sub -p ${port}`)
    .replaceAll('-p 1883', `-p ${port}`)
    .replaceAll('python3', python)
  const env = { HOME: directory }
  const { code, stdout, stderr } = await run(t, 'bash', ['-ec', adapted], { cwd: directory, env })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, adapted)
  return stdout
}

test('the commands at the beginning of the README of the Python client work as pasted', async (t) => {
  if (!hasPython(t)) return
  const { port } = await startBroker(t)
  const directory = temporaryDirectory(t)
  const [lab = '', , commandLine = ''] = examples('sh')
  assert.match(await paste(t, lab, directory, port), /^Phase C: all steps passed\.$/m)
  const printed = (await paste(t, commandLine, directory, port)).split('\n')
  const [expected = ''] = examples('text')
  const withoutTime = (line: string) => line.trim().replace(/[0-9T:.-]+Z/, 'TIME')
  assert.equal(withoutTime(printed.at(-2) ?? ''), withoutTime(expected))

  const [program = ''] = examples('python')
  const script = join(root, 'clients', 'python')
  const adapted = program.replace('1883', `${port}`)
  const env = { HOME: directory, PYTHONPATH: script }
  const { code, stdout, stderr } = await run(t, python, ['-c', adapted], { cwd: directory, env })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  assert.match(stdout, /^b'21\.5' Verified\(subject='press-7', /)
})
