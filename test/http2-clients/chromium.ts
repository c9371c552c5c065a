// Chromium over wss with HTTP/2: a page of the service itself is loaded over h2, and a WebSocket opened from it, which Chromium
// then sends as a stream of the same session. Driven over its debugging port.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'

export interface PageSeen {
  /** Of the page itself, such as `h2`. */
  readonly protocol: string
  readonly echoes: readonly boolean[]
  readonly extensions: string
  readonly code: number
  readonly clean: boolean
}

const SCRIPT = `(async () => {
  const socket = new WebSocket(location.href.replace(/^http/, 'ws'))
  socket.binaryType = 'arraybuffer'
  const next = name => new Promise(resolve => socket.addEventListener(name, resolve, { once: true }))
  await Promise.race([next('open'), next('error').then(() => { throw new Error('no connection') })])
  const echo = async message => {
    const came = next('message')
    socket.send(message)
    return (await came).data
  }
  const octets = new Uint8Array(70000).map((_, i) => i)
  const text = 'hällo '.repeat(1000)
  const echoes = [
    (await echo(text)) === text,
    new Uint8Array(await echo(octets)).every((octet, i) => octet === octets[i]),
  ]
  const closed = next('close')
  socket.close(4001, 'bye')
  const { code, wasClean } = await closed
  const [{ nextHopProtocol }] = performance.getEntriesByType('navigation')
  return { protocol: nextHopProtocol, echoes, extensions: socket.extensions, code, clean: wasClean }
})()`

/** @param url of a page of the service, `https:` */
export async function runChromium(program: string, url: string): Promise<PageSeen> {
  const profile = mkdtempSync(join(tmpdir(), 'echobahn-chromium-'))
  const args = [
    ...['--headless=new', '--no-sandbox', '--disable-gpu', '--ignore-certificate-errors'],
    ...['--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
  ]
  // In a group of its own, which ends as a whole.
  const browser = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  try {
    const port = await debuggingPort(browser.stderr)
    const pages = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as {
      type: string
      webSocketDebuggerUrl: string
    }[]
    const page = pages.find(({ type }) => type === 'page')
    if (page === undefined) throw new Error('Chromium has no page')
    return await drive(page.webSocketDebuggerUrl, url)
  } finally {
    const exited = once(browser, 'exit')
    process.kill(-(browser.pid as number), 'SIGKILL')
    await exited
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function debuggingPort(stderr: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stderr })) {
    const [, port] = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? []
    if (port !== undefined) return port
  }
  throw new Error('Chromium ended before it listened')
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly result?: { readonly result?: { readonly value?: PageSeen }; readonly exceptionDetails?: unknown }
}

async function drive(debuggerUrl: string, url: string): Promise<PageSeen> {
  const socket = new WebSocket(debuggerUrl)
  await once(socket, 'open')
  let last = 0
  const waiting = new Map<number | string, (message: Message) => void>()
  socket.on('message', data => {
    const message = JSON.parse(String(data)) as Message
    waiting.get(message.id ?? message.method ?? '')?.(message)
  })
  const heard = (key: number | string): Promise<Message> => new Promise(resolve => waiting.set(key, resolve))
  const ask = (method: string, params: object = {}): Promise<Message> => {
    const id = ++last
    socket.send(JSON.stringify({ id, method, params }))
    return heard(id)
  }
  try {
    await ask('Page.enable')
    const loaded = heard('Page.loadEventFired')
    await ask('Page.navigate', { url })
    await loaded
    const { result } = await ask('Runtime.evaluate', { expression: SCRIPT, awaitPromise: true, returnByValue: true })
    const value = result?.result?.value
    if (value === undefined || result?.exceptionDetails !== undefined) throw new Error(JSON.stringify(result))
    return value
  } finally {
    socket.close()
  }
}
