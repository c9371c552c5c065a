// Chromium and Firefox over wss with HTTP/2: a page of the service itself is loaded over h2, and a WebSocket opened from it, for
// which a browser that knows RFC 8441 takes a stream of the same session.

import puppeteer, { type SupportedBrowser } from 'puppeteer-core'

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
  socket.close(1000, 'bye')
  const { code, wasClean } = await closed
  const [{ nextHopProtocol }] = performance.getEntriesByType('navigation')
  return { protocol: nextHopProtocol, echoes, extensions: socket.extensions, code, clean: wasClean }
})()`

const ARGS: Readonly<Record<SupportedBrowser, readonly string[]>> = {
  // A sandbox of its own is nothing that root, or a container, can give it.
  chrome: ['--no-sandbox', '--disable-gpu', '--ignore-certificate-errors'],
  firefox: [],
}

/** @param url of a page of the service, `https:` */
export async function runBrowser(browser: SupportedBrowser, executablePath: string, url: string): Promise<PageSeen> {
  const launched = await puppeteer.launch({
    ...{ browser, executablePath, acceptInsecureCerts: true },
    args: [...ARGS[browser]],
  })
  try {
    const page = await launched.newPage()
    await page.goto(url)
    return (await page.evaluate(SCRIPT)) as PageSeen
  } finally {
    await launched.close()
  }
}
