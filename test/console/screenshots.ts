// `npm run screenshots`: runs a mixed load against the real service and takes pictures of its console for docs/. Needs Chromium.

import { setTimeout } from 'node:timers/promises'
import type { Page } from 'puppeteer-core'
import { WebSocket } from 'ws'
import { findChromium, launchChromium } from '../support/chromium.js'
import { EchoPeer } from '../support/echo-peer.js'
import { Service } from '../support/service.js'

/** Seconds of load before the overview is taken. */
const DURATION = 75
const DESK = { width: 1280, height: 900, deviceScaleFactor: 1 }
const PHONE = { width: 390, height: 844, deviceScaleFactor: 2 }

async function main(): Promise<void> {
  const program = findChromium()
  if (program === undefined) throw new Error('there is no Chromium: apt-get install chromium')
  const service = await new Service(['--workers', '2']).listening()
  const browser = await launchChromium(program)
  try {
    const page = await browser.newPage()
    await page.setViewport(DESK)
    const stop = startLoad(service.url)
    await violate(service)
    await setTimeout(DURATION * 1000)
    await page.goto(`${service.adminUrl}/`)
    await take(page, 'overview', '.chart canvas')
    await scheme(page, 'dark')
    await take(page, 'overview-dark', '.chart canvas')
    await scheme(page, 'light')
    await page.goto(`${service.adminUrl}/#/connections?clean=false`)
    await take(page, 'connections', '.list')
    const { connections } = (await (
      await fetch(`${service.adminUrl}/connections?error=ECHOBAHN_UNMASKED_FRAME`)
    ).json()) as {
      connections: { id: number }[]
    }
    await page.goto(`${service.adminUrl}/#/connections/${connections[0].id}`)
    await take(page, 'report', '.lanes', true)
    await page.setViewport(PHONE)
    await page.goto(`${service.adminUrl}/#/connections`)
    await take(page, 'phone', '.list')
    await page.setViewport(DESK)
    await play(page, service)
    await take(page, 'playground', '#report')
    await stop()
  } finally {
    await browser.close()
    await service.stop()
  }
}

async function scheme(page: Page, value: string): Promise<void> {
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }])
}

async function take(page: Page, name: string, selector: string, fullPage = false): Promise<void> {
  await page.waitForSelector(selector)
  await page.waitForNetworkIdle({ idleTime: 300 })
  await page.screenshot({ path: `docs/console-${name}.png`, fullPage })
}

async function play(page: Page, { adminUrl, url }: Service): Promise<void> {
  const query = new URLSearchParams({ url: `${url}/demo?eb-corrupt=30%25&eb-seed=4` })
  await page.goto(`${adminUrl}/#/playground?${query}`)
  await page.waitForSelector('#control-eb-corrupt')
  await page.locator('#connect').click()
  await page.waitForSelector('#send:not([disabled])')
  await page.$eval('#count', field => {
    ;(field as HTMLInputElement).value = '4'
  })
  await page.locator('#send').click()
  await page.waitForFunction(() => document.querySelectorAll('#log li').length >= 10)
}

/** Clients that come, send messages of several kinds and go. */
function startLoad(url: string): () => Promise<void> {
  let goesOn = true
  const client = async (number: number): Promise<void> => {
    while (goesOn) {
      const peer = await EchoPeer.open(`${url}/load/${number}`, { perMessageDeflate: number % 3 === 0 })
      const messages = 60 + Math.floor(120 * Math.random())
      for (let i = 0; i < messages && goesOn; i++) {
        await peer.echo()
        await setTimeout(20 + 60 * Math.random() * (1 + Math.sin(Date.now() / 9000)))
      }
      await peer.close()
    }
  }
  const clients = Array.from({ length: 24 }, (_, i) => client(i))
  return async () => {
    goesOn = false
    await Promise.all(clients)
  }
}

/** Some that do what they must not. */
async function violate({ url, port }: Service): Promise<void> {
  await fetch(`http://127.0.0.1:${port}/favicon.ico`)
  for (const frame of ['810548656c6c6f', 'c18000000000', '818200000000c3ff', '818200000000c328']) {
    const socket = new WebSocket(`${url}/violations`, {
      perMessageDeflate: false,
      headers: { 'user-agent': 'careless-client/0.3' },
    })
    await new Promise(resolve => socket.once('open', resolve))
    socket.send('a message before')
    ;(socket as unknown as { _socket: { write(octets: Buffer): void } })._socket.write(Buffer.from(frame, 'hex'))
    await new Promise(resolve => socket.once('close', resolve))
  }
}

await main()
