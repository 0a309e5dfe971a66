import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { bundleForBrowsers } from './browser-bundle.ts'
import { atEnd } from './cleanup.ts'
import { hasTool } from './tools.ts'

/** Debian's. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

export const hasChromium = (t: TestContext) => hasTool(t, executablePath, ['--version'], 'chromium')

/** What a page lends the test: functions whose arguments and results can be copied. */
export type PageFunctions = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>

/** A headless Chromium and a web site for it, both until the test ends. */
export class ChromiumSite {
  readonly context: BrowserContext
  readonly url: string

  private constructor(context: BrowserContext, url: string) {
    this.context = context
    this.url = url
  }

  /**
   * @param modules by file name; what is relative to the root of the project is bundled
   * @param html of `/`
   */
  static async open(t: TestContext, modules: Readonly<Record<string, string>>, html: string): Promise<ChromiumSite> {
    const scripts = new Map<string, Uint8Array>()
    for (const [name, entry] of Object.entries(modules)) {
      const [output] = (await bundleForBrowsers(entry)).outputFiles
      if (output !== undefined) scripts.set(`/${name}`, output.contents)
    }
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    atEnd(t, () => browser.close())
    const url = await serve(t, (path) => {
      if (path === '/') return ['text/html', html]
      const script = scripts.get(path)
      return script === undefined ? undefined : ['text/javascript', script]
    })
    return new ChromiumSite(await browser.newContext(), url)
  }

  /** @param errors gets what the page does not catch */
  async page(errors: string[]): Promise<Page> {
    const page = await this.context.newPage()
    page.on('pageerror', (error) => errors.push(String(error)))
    await page.goto(this.url)
    return page
  }
}

/** A page that runs one of our modules, which lends its functions as `globalThis.page`. */
export class Tab<Functions extends PageFunctions> {
  readonly page: Page
  /** What the page did not catch. */
  readonly errors: readonly string[]

  private constructor(page: Page, errors: readonly string[]) {
    this.page = page
    this.errors = errors
  }

  static async open<Functions extends PageFunctions>(site: ChromiumSite): Promise<Tab<Functions>> {
    const errors: string[] = []
    return new Tab(await site.page(errors), errors)
  }

  async call<Name extends keyof Functions & string>(
    name: Name,
    ...args: Parameters<Functions[Name]>
  ): Promise<Awaited<ReturnType<Functions[Name]>>> {
    await this.page.waitForFunction('globalThis.page !== undefined')
    const call = `globalThis.page[${JSON.stringify(name)}](...${JSON.stringify(args)})`
    return (await this.page.evaluate(call)) as Awaited<ReturnType<Functions[Name]>>
  }
}

/** The site of pages that a {@link Tab} shows. @param entry module that lends the functions, relative to the root */
export function openSite(t: TestContext, entry: string): Promise<ChromiumSite> {
  return ChromiumSite.open(t, { 'page.js': entry }, '<!doctype html><script type="module" src="page.js"></script>')
}

/** On localhost, which browsers take for as trustworthy as TLS: they have WebCrypto there. */
async function serve(
  t: TestContext,
  find: (path: string) => readonly [type: string, content: string | Uint8Array] | undefined,
): Promise<string> {
  const server = createServer((request, response) => {
    const [type, content] = find(request.url ?? '') ?? []
    response.writeHead(type === undefined ? 404 : 200, { 'content-type': type ?? 'text/plain' }).end(content)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://localhost:${(server.address() as AddressInfo).port}/`
}
