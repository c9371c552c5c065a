// The console's live feed: WebSockets on the admin port. What is new is made into octets once for all pages; a page that
// does not read is passed over, so nothing waits for it.
//
// A page's first message is JSON, `{ "token": … }`; the token may be left out where none is asked for. The answer is a
// message `hello` with the history, and then comes what `publish` is given.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { isToken } from './bearer.js'

/** Open pages at most, those included that have yet to say their token. */
export const MOST_PAGES = 256
/** Milliseconds that a page has for its first message. */
const TOKEN_TIMEOUT = 5000
/** Octets of a message of a page. */
const MOST_MESSAGE = 4096
/** A page that was passed over so many times in a row is given up. */
const MOST_SKIPPED = 60

/** Close codes of ours (RFC 6455 section 7.4.2). */
export const CLOSE_BAD_TOKEN = 4401
const CLOSE_TIMEOUT = 4408

export interface FeedSource {
  /** Token to ask for at this moment; undefined asks for none. */
  token(): string | undefined
  /** The members of the message `hello`. */
  hello(): object
}

export class Feed {
  readonly #source: FeedSource
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MOST_MESSAGE })
  /** Pages that have said the token, and how many times in a row each was passed over. */
  readonly #pages = new Map<WebSocket, number>()
  /** Made once for all that come between two messages. */
  #hello: Buffer | undefined
  /** What the pages had to say. */
  #token: string | undefined

  constructor(source: FeedSource) {
    this.#source = source
    this.#token = source.token()
  }

  get full(): boolean {
    return this.#server.clients.size >= MOST_PAGES
  }

  /** Makes the request a page's connection. Whether it may have one was judged before. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, page => this.#onPage(page))
  }

  /** Sends the message as JSON to every page that has read what came before. */
  publish(message: object): void {
    this.#hello = undefined
    this.#checkToken()
    if (this.#pages.size === 0) return
    const octets = Buffer.from(JSON.stringify(message))
    for (const [page, skipped] of this.#pages) {
      if (page.bufferedAmount === 0) {
        if (skipped > 0) this.#pages.set(page, 0)
        page.send(octets, { binary: false })
      } else if (skipped < MOST_SKIPPED) this.#pages.set(page, skipped + 1)
      else page.terminate()
    }
  }

  #onPage(page: WebSocket): void {
    const timer = setTimeout(() => page.close(CLOSE_TIMEOUT, 'no token came'), TOKEN_TIMEOUT).unref()
    // What ws says of a bad frame it also says to the page, in its Close.
    page.on('error', () => {})
    page.on('close', () => {
      clearTimeout(timer)
      this.#pages.delete(page)
    })
    page.once('message', data => {
      clearTimeout(timer)
      this.#onToken(page, data)
    })
  }

  #onToken(page: WebSocket, data: RawData): void {
    this.#checkToken()
    const expected = this.#token
    if (expected !== undefined && !isToken(tokenOf(data), expected)) {
      page.close(CLOSE_BAD_TOKEN, 'the admin token is missing or wrong')
      return
    }
    this.#hello ??= Buffer.from(JSON.stringify({ type: 'hello', ...this.#source.hello() }))
    page.send(this.#hello, { binary: false })
    this.#pages.set(page, 0)
  }

  /** Pages that said a token that is no longer the one have to say the new one. */
  #checkToken(): void {
    const token = this.#source.token()
    if (token === this.#token) return
    this.#token = token
    for (const page of this.#pages.keys()) page.close(CLOSE_BAD_TOKEN, 'the admin token has changed')
    this.#pages.clear()
  }
}

function tokenOf(data: RawData): string | undefined {
  try {
    const { token } = JSON.parse(String(data))
    return typeof token === 'string' ? token : undefined
  } catch {
    return undefined
  }
}
