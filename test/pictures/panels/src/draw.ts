// `node draw.js PROGRAM < requests.json`: has the browser PROGRAM draw each dashboard, writes its picture where one is wanted,
// and prints what every panel shows, as JSON: a list of panels for each request.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { launch, type Page } from 'puppeteer-core'
import type { Drawn, Request } from './request'

const [executablePath] = process.argv.slice(2)
const requests = JSON.parse(readFileSync(0, 'utf8')) as Request[]
const address = pathToFileURL(join(import.meta.dirname, 'page.html')).href

const browser = await launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars'] })
try {
  const page = await browser.newPage()
  const drawn: Drawn[][] = []
  for (const request of requests) drawn.push(await draw(page, request))
  process.stdout.write(JSON.stringify(drawn))
} finally {
  await browser.close()
}

/** @throws Error with whatever the page throws outside of its panels. */
async function draw(page: Page, request: Request): Promise<Drawn[]> {
  const thrown: unknown[] = []
  page.removeAllListeners('pageerror').on('pageerror', error => thrown.push(error))
  await page.setViewport({ width: request.width, height: 800 })
  await page.goto(address)
  if (thrown.length > 0) throw thrown[0]
  await page.addStyleTag({ content: 'body { overflow: visible; background: #f4f5f5; }' })
  await page.evaluate(request => window.show(request), request)
  await page.evaluate(settled)
  const panels = await page.evaluate(request => window.seen(request), request)
  if (thrown.length > 0) throw thrown[0]
  if (request.picture !== undefined) await page.screenshot({ path: request.picture as `${string}.png`, fullPage: true })
  return panels
}

/** Runs in the page: canvases are drawn in tasks and frames after the elements are there; until nothing changes any more. */
async function settled(): Promise<void> {
  const quiet = () => new Promise<void>(resolve => requestAnimationFrame(() => requestAnimationFrame(() => resolve())))
  let last = ''
  for (let same = 0; same < 5; ) {
    await quiet()
    const now = `${document.querySelectorAll('*').length} ${[...document.querySelectorAll('canvas')].map(c => c.toDataURL().length).join()}`
    same = now === last ? same + 1 : 0
    last = now
  }
}
