// The live feed over real WebSockets: who may have it, what comes when, and that nothing waits for a page.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { CLOSE_BAD_TOKEN, Feed, MOST_PAGES } from '../../../src/admin/feed.js'
import { createAdmin } from '../../../src/admin/server.js'
import { serveUpgrades } from '../../../src/admin/upgrades.js'
import type { AdminView } from '../../../src/admin/view.js'
import type { Settings } from '../../../src/settings.js'

interface Message {
  readonly type: string
  readonly [member: string]: unknown
}

/** A page: what it got so far, and how it ended. */
class Page {
  readonly socket: WebSocket
  readonly messages: Message[] = []
  readonly closed: Promise<number>

  constructor(url: string, options: { headers?: Record<string, string> } = {}) {
    this.socket = new WebSocket(url, options)
    this.socket.on('message', data => this.messages.push(JSON.parse(String(data))))
    this.socket.on('error', () => {})
    this.closed = new Promise(resolve => this.socket.once('close', resolve))
  }

  async begin(first: string): Promise<this> {
    await once(this.socket, 'open')
    this.socket.send(first)
    return this
  }

  async until(count: number): Promise<Message[]> {
    while (this.messages.length < count) await once(this.socket, 'message')
    return this.messages
  }
}

async function serve(t: TestContext, token?: string) {
  let current = token
  let hellos = 0
  const feed = new Feed({ token: () => current, hello: () => ({ hellos: ++hellos }) })
  const view: Partial<AdminView> = {
    settings: { adminHost: '127.0.0.1', adminAllowedHost: [] } as Partial<Settings> as Settings,
    adminToken: () => current,
    workers: () => [],
  }
  const app = createAdmin(view as AdminView, feed)
  const server = createServer(app)
  serveUpgrades(server, app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const pages: Page[] = []
  t.after(() => {
    for (const page of pages) page.socket.terminate()
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return {
    feed,
    port,
    setToken: (token: string) => {
      current = token
    },
    open: (headers: Record<string, string> = {}) => {
      const page = new Page(`ws://127.0.0.1:${port}/live`, { headers })
      pages.push(page)
      return page
    },
  }
}

test('a page gets the hello, and then what is published', async t => {
  const { feed, open } = await serve(t)
  const page = await open().begin('{}')
  await page.until(1)
  feed.publish({ type: 'row', at: 1 })
  feed.publish({ type: 'state' })
  assert.deepEqual(await page.until(3), [{ type: 'hello', hellos: 1 }, { type: 'row', at: 1 }, { type: 'state' }])
})

test('the hello is made once for pages that open between two messages', async t => {
  const { feed, open } = await serve(t)
  const early = await Promise.all([open().begin('{}'), open().begin('{}')])
  for (const page of early) assert.deepEqual(await page.until(1), [{ type: 'hello', hellos: 1 }])
  feed.publish({ type: 'row' })
  assert.deepEqual(await (await open().begin('{}')).until(1), [{ type: 'hello', hellos: 2 }])
})

test('with a token nothing is told before it came, and a wrong one ends the page', async t => {
  const { feed, open } = await serve(t, 'secret')
  const silent = open()
  await once(silent.socket, 'open')
  for (const first of ['{}', '{"token":"other"}', 'secret', '{"token":1}', 'null']) {
    const page = await open().begin(first)
    assert.equal(await page.closed, CLOSE_BAD_TOKEN, first)
    assert.deepEqual(page.messages, [])
  }
  const page = await open().begin('{"token":"secret"}')
  await page.until(1)
  feed.publish({ type: 'row' })
  await page.until(2)
  assert.deepEqual(silent.messages, [])
})

test('when the token changes, pages have to say the new one', async t => {
  const { feed, open, setToken } = await serve(t, 'secret')
  const page = await open().begin('{"token":"secret"}')
  await page.until(1)
  setToken('other')
  feed.publish({ type: 'row' })
  assert.equal(await page.closed, CLOSE_BAD_TOKEN)
  assert.equal(page.messages.length, 1)
  await (await open().begin('{"token":"other"}')).until(1)
})

test('a page that does not read is passed over, and gets what comes once it reads again', async t => {
  const { feed, open } = await serve(t)
  const slow = await open().begin('{}')
  const quick = await open().begin('{}')
  await Promise.all([slow.until(1), quick.until(1)])
  slow.socket.pause()
  const large = 'x'.repeat(2 ** 20)
  const count = 40
  for (let i = 0; i < count; i++) {
    feed.publish({ type: 'row', i, large })
    await quick.until(i + 2)
  }
  slow.socket.resume()
  // What the kernel and one message hold came; the rest never was for this page.
  let last = 0
  while (slow.messages.at(-1)?.type !== 'end') {
    feed.publish({ type: 'end', last: last++ })
    await new Promise(resolve => setImmediate(resolve))
  }
  const came = slow.messages.filter(({ type }) => type === 'row').map(({ i }) => i)
  assert.deepEqual(
    came,
    came.map((_, i) => i),
  )
  assert.ok(came.length < count, `${came.length} of ${count}`)
})

test('a page that never reads is given up', async t => {
  const { feed, open } = await serve(t)
  const page = await open().begin('{}')
  await page.until(1)
  page.socket.pause()
  const large = 'x'.repeat(2 ** 22)
  for (let i = 0; i < 80; i++) {
    feed.publish({ type: 'row', large })
    await new Promise(resolve => setImmediate(resolve))
  }
  page.socket.resume()
  assert.equal(await page.closed, 1006)
})

test('a page of another site, or under a name that is not meant, gets no feed', async t => {
  const { open, port } = await serve(t)
  const statusOf = async (headers: Record<string, string>) => {
    const page = open(headers)
    const [, response] = await once(page.socket, 'unexpected-response')
    return response.statusCode
  }
  assert.equal(await statusOf({ origin: 'http://evil.example' }), 403)
  assert.equal(await statusOf({ origin: 'null' }), 403)
  assert.equal(await statusOf({ 'sec-fetch-site': 'cross-site' }), 403)
  assert.equal(await statusOf({ host: 'evil.example' }), 403)
  const page = await open({ origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' }).begin('{}')
  await page.until(1)
})

test('there are so many pages and no more, until one leaves', async t => {
  const { open } = await serve(t)
  const pages = Array.from({ length: MOST_PAGES }, () => open())
  await Promise.all(pages.map(({ socket }) => once(socket, 'open')))
  const [, response] = await once(open().socket, 'unexpected-response')
  assert.equal(response.statusCode, 503)
  pages[0].socket.close()
  await pages[0].closed
  await once(open().socket, 'open')
})

test('a message that is too large ends the page', async t => {
  const { open } = await serve(t)
  const page = await open().begin('x'.repeat(5000))
  assert.equal(await page.closed, 1009)
})

test('a request that wants another upgrade, or elsewhere, is answered as if it wanted none', async t => {
  const { port } = await serve(t)
  const ask = async (path: string, headers: Record<string, string>) => {
    const asked = request({ host: '127.0.0.1', port, path, headers, agent: false }).end()
    const [response] = await once(asked, 'response')
    return [response.statusCode, await text(response)]
  }
  const h2c = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQCAAAAAAIAAAAA' }
  assert.deepEqual(await ask('/workers', h2c), [200, '[]'])
  assert.equal((await ask('/live', h2c))[0], 426)
  assert.equal((await ask('/live', {}))[0], 426)
  assert.deepEqual(await ask('/workers', { connection: 'Upgrade', upgrade: 'websocket' }), [200, '[]'])
})
