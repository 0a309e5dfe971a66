import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasMosquitto } from '../helpers/mosquitto.ts'
import { compare } from './transcript/compare.ts'
import { differences } from './transcript/differences.ts'
import { Program } from './transcript/program.ts'
import { steps } from './transcript/script.ts'
import { site } from './transcript/site.ts'
import { Stage } from './transcript/stage.ts'

test('Mosquitto and NotaryMQ with the same files show the same to the same clients, but for the listed differences', async (t) => {
  if (!hasMosquitto(t)) return
  const play = async (name: 'mosquitto' | 'notarymq') => new Stage(await Program.start(t, name, site)).play(steps)
  const [mosquitto, notarymq] = await Promise.all([play('mosquitto'), play('notarymq')])
  const { found, problems } = compare(mosquitto, notarymq, differences)
  for (const difference of found) t.diagnostic(difference)
  t.diagnostic(`${steps.length} steps, ${steps.length - found.length} the same`)
  assert.equal(problems.join('\n\n'), '')
})
