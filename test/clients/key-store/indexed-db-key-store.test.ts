import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyStorePage } from '../../helpers/browser/key-store-page.ts'
import { hasChromium, openSite, Tab } from '../../helpers/chromium.ts'
import { keyStoreCases } from '../../suites/key-store.suite.ts'

test('in Chromium, IndexedDB is a key store', async (t) => {
  if (!hasChromium(t)) return
  const site = await openSite(t, 'test/helpers/browser/key-store-page.ts')
  const [tab, other] = [await Tab.open<KeyStorePage>(site), await Tab.open<KeyStorePage>(site)]

  for (const { name } of keyStoreCases) await t.test(name, () => tab.call('runCase', name))

  await t.test('two tabs that reserve numbers at once never get the same one', async () => {
    const [times, count] = [60, 3]
    const both = await Promise.all([tab, other].map((one) => one.call('reserve', 'tabs', times, count)))
    assert.deepEqual(
      both.flat().sort((a, b) => a - b),
      Array.from({ length: 2 * times }, (_, i) => 1 + count * i),
    )
  })

  await t.test('a tab that is closed while it reserves leaves a gap at most', async () => {
    const closing = await Tab.open<KeyStorePage>(site)
    const taken: number[] = []
    const many = 20
    let setEnough = () => {}
    const enough = new Promise<void>((resolve) => {
      setEnough = resolve
    })
    await closing.page.exposeFunction('taken', (first: number) => {
      if (taken.push(first) === many) setEnough()
    })
    const running = assert.rejects(closing.call('reserveUntilClosed', 'closed'))
    const beside = tab.call('reserve', 'closed', many, 1)
    await enough
    await closing.page.close()
    await running
    const all = [...taken, ...(await beside)]
    const [next = 0] = await tab.call('reserve', 'closed', 1, 1)
    assert.equal(new Set(all).size, all.length)
    assert.ok(next > Math.max(...all), `${next} after ${all}`)
  })

  await t.test('a store lets its database be deleted, and begins a new one when it is asked again', async () => {
    assert.deepEqual(await tab.call('reserveAroundDeletion', 'deleted'), [1, 1])
  })

  await t.test('keys that nobody can read are one pair for all tabs, outlive a reload, and sign', async () => {
    const [first, second] = await Promise.all([tab, other].map((one) => one.call('ownKey', 'keys')))
    assert.ok(first)
    assert.deepEqual(second, first)
    await tab.page.reload()
    assert.deepEqual(await tab.call('ownKey', 'keys'), first)
    assert.equal(await tab.call('signsAs', 'keys', first), true)
    assert.notDeepEqual(await tab.call('ownKey', 'other keys'), first)
    assert.equal(await tab.call('signsAs', 'other keys', first), false)
    assert.deepEqual(await tab.call('exported', 'keys'), Array(4).fill('InvalidAccessError'))
  })

  assert.deepEqual([tab.errors, other.errors], [[], []])
})
