// The console in a real Chromium, against the real service.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { AxeResults } from 'axe-core'
import type { Browser, Page } from 'puppeteer-core'
import { findChromium, launchChromium, watch } from '../support/chromium.js'
import { EchoPeer } from '../support/echo-peer.js'
import { Service, startService } from '../support/service.js'

const CHROMIUM = findChromium()
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const MIB = 2 ** 20
/** Milliseconds that the page gets for what is waited for: longer than any machine stands still. */
const PATIENCE = 120_000
/** Octets of all modules that the page loads. */
const MOST_SCRIPT = 256 * 1024
const PHONE = { width: 390, height: 844 }
const DESK = { width: 1280, height: 900 }

describe('the console in Chromium', {
  skip: CHROMIUM === undefined && 'there is no Chromium: apt-get install chromium',
}, () => {
  let browser: Browser
  let service: Service

  before(async () => {
    browser = await launchChromium(CHROMIUM as string)
    service = await new Service(['--workers', '2', '--drain-timeout', '1s', '--controls', 'on']).listening()
  })
  after(async () => {
    await browser.close()
    await service.stop()
  })

  /** A page with nothing of the others': storage of its own, closed with the test. */
  async function open(t: TestContext, path: string, admin = service.adminUrl, viewport = DESK): Promise<Page> {
    const context = await browser.createBrowserContext()
    t.after(() => context.close())
    const page = await context.newPage()
    page.setDefaultTimeout(PATIENCE)
    await page.setViewport(viewport)
    await page.goto(`${admin}/${path}`)
    return page
  }

  it('loads little script, complains of nothing, and asks nobody else', async t => {
    const context = await browser.createBrowserContext()
    t.after(() => context.close())
    const page = await context.newPage()
    page.setDefaultTimeout(PATIENCE)
    const { complaints, asked } = watch(page)
    await page.goto(`${service.adminUrl}/`)
    await isLive(page)
    const script = await page.evaluate(() =>
      (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
        .filter(({ name }) => name.endsWith('.js'))
        .reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0),
    )
    assert.ok(script > 0 && script < MOST_SCRIPT, `${script} octets`)
    for (const hash of ['#/connections', '#/playground', '#/connections/999999', '#/nowhere', '#/']) {
      await page.evaluate(to => {
        location.hash = to
      }, hash)
      await page.waitForNetworkIdle({ idleTime: 100 })
    }
    // The report that is not there is a 404, which Chromium logs by itself.
    assert.deepEqual(
      complaints.filter(text => !text.includes('404')),
      [],
    )
    for (const { host, href } of asked) assert.equal(host, `127.0.0.1:${service.adminPort}`, href)
    assert.equal(
      await page.evaluate(() => document.querySelectorAll('[style*="expression"], script:not([src]), style').length),
      0,
    )
  })

  it('shows the numbers of /metrics', async t => {
    const page = await open(t, '')
    await isLive(page)
    const peer = await EchoPeer.open(service.url)
    for (let i = 0; i < 7; i++) await peer.echo()
    assert.equal(await peer.close(), 1000)
    const exact = new Intl.NumberFormat('en-US')
    const metrics = await service.metrics()
    const total = (direction: string) =>
      ['text', 'binary'].reduce(
        (sum, opcode) =>
          sum + (metrics.get(`echobahn_messages_total{direction="${direction}",opcode="${opcode}"}`) ?? 0),
        0,
      )
    assert.ok(total('received') >= 7)
    await hasText(page, '#tile-received', `${exact.format(total('received'))} in all`)
    await hasText(page, '#tile-sent', `${exact.format(total('sent'))} in all`)
    const wire = metrics.get('echobahn_wire_bytes_total{direction="sent"}') ?? 0
    await hasText(page, '#main', `Wire octetssent${exact.format(wire)}`)
    const accepted = metrics.get('echobahn_handshakes_total{result="accepted"}') ?? 0
    await hasText(page, '#tile-websockets', `${exact.format(accepted)} accepted`)
    await hasText(
      page,
      '#main',
      `Closes1000 normal, client${metrics.get('echobahn_closes_total{initiator="client",code="1000"}')}`,
    )
  })

  it('pauses, and shows a range that was dragged over', async t => {
    const page = await open(t, '')
    await isLive(page)
    await page.waitForSelector('.chart canvas')
    const chart = await page.waitForSelector('.chart .u-over')
    const box = await chart?.boundingBox()
    assert.ok(box)
    await page.mouse.move(box.x + 40, box.y + 40)
    await page.mouse.down()
    await page.mouse.move(box.x + 140, box.y + 40, { steps: 5 })
    await page.mouse.up()
    // No moving range is chosen any more, until the charts are double-clicked.
    await page.waitForFunction(() => document.querySelector('.range [aria-pressed="true"]') === null)
    await page.mouse.click(box.x + 50, box.y + 40, { count: 2 })
    await page.waitForFunction(() => document.querySelector('.range [aria-pressed="true"]') !== null)
    await click(page, 'Pause')
    const before = await textOf(page, '#tile-received')
    const peer = await EchoPeer.open(service.url)
    await peer.echo()
    await peer.close()
    // A row later the page knows of it, and still shows what was.
    const late = await open(t, '')
    await late.waitForFunction(text => document.querySelector('#tile-received')?.textContent !== text, {}, before)
    assert.equal(await textOf(page, '#tile-received'), before)
    await click(page, 'Go on')
    await page.waitForFunction(text => document.querySelector('#tile-received')?.textContent !== text, {}, before)
  })

  it('lists connections: filtered, sorted, paged, and by an address that can be shared', async t => {
    const own = await startService(t, '--workers', '1')
    for (let i = 0; i < 5; i++) {
      const peer = await EchoPeer.open(`${own.url}/p${i}`)
      await peer.echo()
      await peer.close()
    }
    assert.equal((await fetch(`http://127.0.0.1:${own.port}/plain`)).status, 426)
    await own.until(
      async () => (await (await fetch(`${own.adminUrl}/connections?state=closed`)).json()) as { connections: object[] },
      ({ connections }) => connections.length === 5,
    )
    const page = await open(t, 'connections?limit=2', own.adminUrl)
    assert.equal(page.url(), `${own.adminUrl}/#/connections?limit=2`)
    const ids = () => page.$$eval('.list tbody a', links => links.map(link => Number(link.textContent)))
    const shows = (expected: number[]) =>
      page.waitForFunction(
        wanted => [...document.querySelectorAll('.list tbody a')].map(link => link.textContent).join() === wanted,
        {},
        expected.join(),
      )
    const all = (
      (await (await fetch(`${own.adminUrl}/connections`)).json()) as { connections: { id: number }[] }
    ).connections.map(({ id }) => id)
    await shows(all.slice(0, 2))
    await page.locator('#next').click()
    await shows(all.slice(2, 4))
    const shared = await open(t, page.url().slice(own.adminUrl.length + 1), own.adminUrl)
    await shared.waitForSelector('.list tbody a')
    assert.deepEqual(
      await shared.$$eval('.list tbody a', links => links.map(link => Number(link.textContent))),
      await ids(),
    )
    await page.locator('th [data-focus="opened"]').click()
    await shows(all.toReversed().slice(0, 2))
    assert.equal(await page.$eval('th[aria-sort]', heading => heading.getAttribute('aria-sort')), 'ascending')
    await page.goto(`${own.adminUrl}/#/connections`)
    await page.waitForSelector('select[name="state"]')
    await page.select('select[name="state"]', 'refused')
    await shows([Math.max(...all)])
    assert.match(page.url(), /#\/connections\?state=refused$/)
    await page.locator('.list tbody a').click()
    await hasText(page, 'h1', 'refused')
    await hasText(page, '#main', 'not_upgrade')
    await page.goto(`${own.adminUrl}/#/connections?code=7`)
    await hasText(page, '[role="alert"]', 'code: allowed is a close code')
  })

  it('echoes a mebibyte in text, in binary and compressed, and finds the report', async t => {
    const page = await open(t, '#/playground')
    await isConnected(page, '')
    await hasText(page, '#state', 'permessage-deflate')
    await generate(page, 'letters', 'text', MIB)
    await generate(page, 'random', 'binary', MIB)
    await generate(page, 'zeros', 'binary', MIB)
    await hasText(page, '#sums', '3 sent, 3 came back the same. Round trips')
    await page.waitForSelector('#report')
    await page.locator('#report').click()
    await hasText(page, 'h1', 'open')
    await hasText(page, '#main', 'RSV1 (compressed)')
    await hasText(page, '#main', `text messages11,048,57611,048,576`)
    await page.waitForSelector('.time .split .server')
    // The connection goes on meanwhile.
    await page.goBack()
    await hasText(page, '#state', 'Connected')

    await isConnected(page, '?eb-compression=off')
    await hasText(page, '#state', 'no extension')
    await generate(page, 'letters', 'binary', MIB)
    await hasText(page, '#sums', '4 sent, 4 came back the same')
  })

  it('has test controls with their documentation, and says octet by octet what came back changed', async t => {
    const page = await open(t, '#/playground')
    await page.waitForSelector('#control-eb-corrupt')
    await hasText(page, '#control-eb-corrupt-help', 'one bit is changed')
    await page.type('#control-eb-corrupt', '100%')
    assert.match(await page.$eval('input[name="url"]', field => field.value), /eb-corrupt=100%25/)
    await isConnected(page)
    await page.locator('#kind-hex').click()
    await page.locator('#send').click()
    await hasText(page, '#log', 'different from message 1, from octet')
    await page.$eval('input[name="url"]', field => {
      field.value = field.value.replace(/\?.*/, '?eb-close=4001&eb-reason=bye')
    })
    await page.locator('#connect').click()
    await hasText(page, '#state', 'Closed: 4001: bye')
    await page.$eval('input[name="url"]', field => {
      field.value = field.value.replace(/\?.*/, '?eb-status=503')
    })
    await page.locator('#connect').click()
    await hasText(page, '#state', 'the handshake did not succeed')
    await page.waitForSelector('#report')
    await page.locator('#report').click()
    await hasText(page, 'h1', 'refused')
  })

  it('sends bursts and files, and exports its log', async t => {
    const page = await open(t, '#/playground')
    const folder = mkdtempSync(join(tmpdir(), 'echobahn-console-'))
    t.after(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'file'), Buffer.from([0, 255, 128, 10]))
    await isConnected(page, '')
    await page.$eval('#count', field => {
      ;(field as HTMLInputElement).value = '200'
    })
    await page.locator('#send').click()
    await hasText(page, '#sums', '200 sent, 200 came back the same')
    await page.$eval('#count', field => {
      ;(field as HTMLInputElement).value = '1'
    })
    await page.locator('#kind-file').click()
    const field = await page.waitForSelector<'#file'>('#file')
    await (field as unknown as { uploadFile(path: string): Promise<void> }).uploadFile(join(folder, 'file'))
    await page.locator('#send').click()
    await hasText(page, '#log', '00 ff 80 0a')
    await hasText(page, '#sums', '201 sent, 201 came back the same')
    const exported = await page.evaluate(async () => {
      const { createObjectURL } = URL
      const told = new Promise<Blob>(resolve => {
        URL.createObjectURL = blob => {
          resolve(blob as Blob)
          return createObjectURL(blob)
        }
      })
      document.querySelector<HTMLElement>('#export')?.click()
      return (await told).text()
    })
    const lines = JSON.parse(exported) as { direction: string; roundTripMilliseconds?: number }[]
    assert.ok(lines.length > 100)
    assert.ok(
      lines.some(({ direction, roundTripMilliseconds = 0 }) => direction === 'received' && roundTripMilliseconds > 0),
    )
  })

  it('says why when --origin refuses it, and how to allow it', async t => {
    const own = await startService(t, '--workers', '1', '--origin', 'https://app.example')
    const page = await open(t, '#/playground', own.adminUrl)
    await hasText(page, '.notice', `start the service with --origin ${own.adminUrl}`)
  })

  it('asks for the token, keeps it for the tab, and asks again for another', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'echobahn-console-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'token')
    writeFileSync(file, 'first')
    const own = await startService(t, '--workers', '1', '--drain-timeout', '0', '--admin-token-file', file)
    const page = await open(t, '#/connections', own.adminUrl)
    await give(page, 'wrong')
    await hasText(page, '[role="alert"]', 'not the right one')
    await give(page, 'first')
    await hasText(page, '#main', 'There are 0 open')
    await isLive(page)
    await page.reload()
    await hasText(page, '#main', 'There are 0 open')
    assert.equal(await page.evaluate(() => localStorage.length + document.cookie.length), 0)
    assert.doesNotMatch(page.url(), /first/)
    writeFileSync(file, 'second')
    own.signal('SIGHUP')
    await give(page, 'second')
    await isLive(page)
  })

  it('shows a reload at once, goes on behind it, connects again when the service is back, and shows its drain at once', async t => {
    const own = await startService(t, '--workers', '2', '--drain-timeout', '30s')
    const { adminPort } = own
    const page = await open(t, '', own.adminUrl)
    await isLive(page)
    const peer = await EchoPeer.open(own.url)
    own.signal('SIGHUP')
    await hasText(page, '#banner', 'still to leave')
    await hasText(page, '#main', 'leaving')
    await peer.close()
    await page.waitForFunction(() => document.querySelector<HTMLElement>('#banner')?.hidden)
    await isLive(page)
    await own.stop()
    await hasText(page, '#link', 'No connection')
    const again = new Service(['--workers', '1', '--admin-port', String(adminPort), '--drain-delay', '10m'])
    t.after(() => again.stop())
    await again.listening()
    await isLive(page)
    again.signal('SIGTERM')
    await hasText(page, '#banner', 'Draining')
  })

  it('is light or dark as the system has it, until somebody chooses', async t => {
    const page = await open(t, '')
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }])
    const dark = await background()
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }])
    const light = await background()
    assert.notEqual(dark, light)
    await page.locator('#theme').click()
    await page.locator('#theme').click()
    assert.deepEqual([await background(), await textOf(page, '#theme')], [dark, 'Theme: dark'])
    await page.reload()
    assert.equal(await background(), dark)
  })

  it('has no serious finding of axe, light or dark, at a desk or on a phone, and no page scrolls sideways', async t => {
    const peer = await EchoPeer.open(
      `${service.url}/a/rather/long/path/that/does/not/fit/on/a/phone?with=a-query-of-its-own`,
    )
    await peer.echo()
    await peer.close()
    await fetch(`http://127.0.0.1:${service.port}/plain`)
    const { connections } = (await (await fetch(`${service.adminUrl}/connections`)).json()) as {
      connections: { id: number; state: string }[]
    }
    const of = (state: string) => connections.find(one => one.state === state)?.id
    const page = await open(t, '')
    const hashes = [
      '#/',
      '#/connections',
      `#/connections/${of('closed')}`,
      `#/connections/${of('refused')}`,
      '#/playground',
    ]
    for (const [viewport, scheme] of [
      [DESK, 'light'],
      [PHONE, 'dark'],
    ] as const) {
      await page.setViewport(viewport)
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
      for (const hash of hashes) {
        await page.goto(`${service.adminUrl}/${hash}`)
        await isLive(page)
        await page.waitForNetworkIdle({ idleTime: 100 })
        await assertAccessible(page, `${hash} ${scheme}`)
        const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
        assert.ok(content <= window, `${hash} is ${content} wide`)
      }
    }
  })

  it('is used with the keyboard alone', async t => {
    const page = await open(t, '')
    await isLive(page)
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement?.className), 'skip')
    for (let i = 0; i < 3; i++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await hasText(page, 'h1', 'Connections')
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main')
  })

  it('works below a path of a proxy', async t => {
    const page = await open(t, '', `${await proxy(t, service.adminPort)}/tools/echo`)
    const { complaints } = watch(page)
    await isLive(page)
    await page.goto(`${page.url().split('#')[0]}connections`)
    assert.match(page.url(), /\/tools\/echo\/#\/connections$/)
    await hasText(page, '#main', 'There are')
    assert.deepEqual(complaints, [])
    await page.goto(page.url().replace('#/connections', 'no/such/thing'))
    await hasText(page, 'h1', '404')
    await page.locator('main a').click()
    await isLive(page)
  })

  it('tells a browser at the WebSocket port what it is', async t => {
    const page = await open(t, '', `http://127.0.0.1:${service.port}`)
    await hasText(page, 'h1', 'A WebSocket echo service')
    const echo = await page.evaluate(
      () =>
        new Promise(resolve => {
          // What the page says to paste.
          const socket = new WebSocket(location.href.replace(/^http/, 'ws'))
          socket.onmessage = ({ data }) => resolve(data)
          socket.onopen = () => socket.send('Hello')
        }),
    )
    assert.equal(echo, 'Hello')
    await assertAccessible(page, '426')
  })
})

async function isLive(page: Page): Promise<void> {
  await hasText(page, '#link', 'Live')
}

async function hasText(page: Page, selector: string, text: string): Promise<void> {
  await page
    .waitForFunction(
      (where, wanted) => [...document.querySelectorAll(where)].some(({ textContent }) => textContent?.includes(wanted)),
      { timeout: PATIENCE, polling: 'mutation' },
      selector,
      text,
    )
    .catch(async (error: Error) => {
      throw new Error(
        `${selector} has no ${JSON.stringify(text)} but ${JSON.stringify((await textOf(page, selector)).slice(0, 2000))}`,
        { cause: error },
      )
    })
}

function textOf(page: Page, selector: string): Promise<string> {
  return page.$$eval(selector, elements => elements.map(({ textContent }) => textContent).join(' | '))
}

async function click(page: Page, name: string): Promise<void> {
  const button = await page.waitForSelector(`aria/${name}[role="button"]`)
  await button?.click()
}

async function give(page: Page, token: string): Promise<void> {
  const field = await page.waitForSelector('#token')
  await field?.type(token)
  await field?.press('Enter')
  await page.waitForFunction(old => !document.contains(old), {}, field)
}

/** @param query put in the place of what the address has; undefined leaves it */
async function isConnected(page: Page, query?: string): Promise<void> {
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>('input[name="url"]')?.value)
  if (query !== undefined)
    await page.$eval(
      'input[name="url"]',
      (field, text) => {
        field.value = field.value.replace(/\?.*|$/, text)
      },
      query,
    )
  await page.locator('#connect').click()
  await hasText(page, '#state', 'Connected')
}

async function generate(page: Page, content: string, type: string, size: number): Promise<void> {
  await page.locator('#kind-generated').click()
  await page.select('#content', content)
  await page.select('#type', type)
  await page.$eval(
    '#size',
    (field, value) => {
      ;(field as HTMLInputElement).value = value
    },
    String(size),
  )
  await page.locator('#send').click()
}

/** axe runs beside the page's own Content-Security-Policy: the protocol of the developer tools puts it in. */
async function assertAccessible(page: Page, name: string): Promise<void> {
  await page.evaluate(AXE)
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  )
  const serious = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 150)} ${any[0]?.message ?? ''}`).join('; ')}`,
    )
  assert.deepEqual(serious, [], name)
}

/** A reverse proxy that has the server at /tools/echo/, as nginx does. */
async function proxy(t: TestContext, port: number): Promise<string> {
  const target = (url = '') => url.replace('/tools/echo', '')
  const server = createServer((request, response) => {
    const { method, headers, url } = request
    const asked = httpRequest({ host: '127.0.0.1', port, method, path: target(url), headers }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    request.pipe(asked)
  })
  server.on('upgrade', (request, socket, head) => {
    const upstream = connect(port, '127.0.0.1', () => {
      const fields = request.rawHeaders.map((text, i) => text + (i % 2 === 0 ? ': ' : '\r\n')).join('')
      upstream.write(`GET ${target(request.url)} HTTP/1.1\r\n${fields}\r\n`)
      upstream.write(head)
      upstream.pipe(socket).pipe(upstream)
    })
    for (const one of [socket, upstream]) one.on('error', () => socket.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
