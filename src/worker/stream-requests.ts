// Requests on streams of HTTP/2 sessions that wait for the primary's word: it numbers all connections, and admits them.

import type { Admission, OpenedStream, OpenStreams } from '../messages.js'

export interface StreamRequest {
  /**
   * The stream is a connection of this worker now, by this number, though it may be gone: its end is to be told. 0 is none:
   * the primary knows of no such session.
   */
  onOpened(id: number, admission: Admission): void
}

export class StreamRequests {
  readonly #send: (message: OpenStreams) => void
  readonly #asking = new Map<number, StreamRequest>()
  /** Came in this turn. */
  #fresh: { readonly request: number; readonly session: number }[] = []
  #last = 0
  #immediate: NodeJS.Immediate | undefined

  constructor(send: (message: OpenStreams) => void) {
    this.#send = send
  }

  /** Requests without an answer. */
  get size(): number {
    return this.#asking.size
  }

  /** Asks for a stream of the session that is connection `session`. */
  ask(session: number, request: StreamRequest): void {
    const number = ++this.#last
    this.#asking.set(number, request)
    this.#fresh.push({ request: number, session })
    this.#immediate ??= setImmediate(() => this.#tell())
  }

  /** The session is gone: nothing is asked for it any more. What was asked is answered all the same, and counts. */
  forget(session: number): void {
    this.#fresh = this.#fresh.filter(fresh => {
      if (fresh.session !== session) return true
      this.#asking.delete(fresh.request)
      return false
    })
  }

  opened(streams: readonly OpenedStream[]): void {
    for (const { request: number, id, admission } of streams) {
      const request = this.#asking.get(number)
      this.#asking.delete(number)
      request?.onOpened(id, admission)
    }
  }

  #tell(): void {
    this.#immediate = undefined
    const streams = this.#fresh
    this.#fresh = []
    if (streams.length > 0) this.#send({ type: 'open-streams', streams })
  }
}
