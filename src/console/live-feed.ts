// The live feed: connects, says the token, keeps what comes, and connects again by itself when it has ended.

import type { FeedMessage, Hello, State } from './answers.js'
import { Series } from './series.js'
import { token } from './session.js'

export type Link = 'connecting' | 'live' | 'lost' | 'token'

/** Of the service: see its feed. */
const BAD_TOKEN = 4401
/** Milliseconds between two attempts, doubling from one to the other. */
const FIRST_PAUSE = 500
const LONGEST_PAUSE = 5000
/** A row comes each second: after so many milliseconds without one the connection is taken for dead. */
const SILENCE = 10_000

export class LiveFeed {
  link: Link = 'connecting'
  hello: Hello | undefined
  series: Series | undefined
  state: State | undefined
  #socket: WebSocket | undefined
  #pause = FIRST_PAUSE
  #timer = 0
  #watch = 0
  readonly #listeners = new Set<(what: FeedMessage['type'] | 'link') => void>()

  start(): void {
    clearTimeout(this.#timer)
    if (this.link === 'token') this.#enter('connecting')
    const socket = new WebSocket(feedUrl())
    this.#socket = socket
    this.#heard()
    socket.onopen = () => socket.send(JSON.stringify({ token: token() }))
    socket.onmessage = ({ data }) => this.#onMessage(JSON.parse(data))
    socket.onclose = ({ code }) => this.#onClose(socket, code)
  }

  /** @returns ends it */
  listen(listener: (what: FeedMessage['type'] | 'link') => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #onMessage(message: FeedMessage): void {
    this.#heard()
    this.#pause = FIRST_PAUSE
    this.state = message.state
    if (message.type === 'hello') {
      this.hello = message
      this.series = new Series(message.columns, message.history)
    } else if (message.type === 'row') this.series?.add(message)
    this.#enter('live')
    this.#tell(message.type)
  }

  #onClose(socket: WebSocket, code: number): void {
    if (socket !== this.#socket) return
    clearTimeout(this.#watch)
    if (code === BAD_TOKEN) return this.#enter('token')
    this.#enter('lost')
    this.#timer = setTimeout(() => this.start(), this.#pause)
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE)
  }

  #heard(): void {
    clearTimeout(this.#watch)
    const socket = this.#socket
    this.#watch = setTimeout(() => {
      // Closing may take long where nobody answers.
      socket?.close()
      if (socket !== undefined) this.#onClose(socket, 1006)
    }, SILENCE)
  }

  #enter(link: Link): void {
    if (link === this.link) return
    this.link = link
    this.#tell('link')
  }

  #tell(what: FeedMessage['type'] | 'link'): void {
    for (const listener of this.#listeners) listener(what)
  }
}

function feedUrl(): URL {
  const url = new URL('live', location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  url.hash = ''
  url.search = ''
  return url
}
