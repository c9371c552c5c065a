// Stand-ins for the modules of k6 that the load script imports: what it records is kept for a test to see.

import { type MessageEvent, WebSocket as WsWebSocket } from 'ws'

type Checks = Record<string, boolean>

/** What the script did since `reset`. */
export const recorded = {
  /** Values added to each metric, by its name. */
  added: new Map<string, unknown[]>(),
  checked: Promise.resolve<Checks>({}),
  /** Number of the message, from 1, that comes back wrong; 0 spoils none. */
  spoilMessage: 0,
}

let resolveChecked: (checks: Checks) => void

export function reset(): void {
  recorded.added.clear()
  recorded.spoilMessage = 0
  recorded.checked = new Promise(resolve => {
    resolveChecked = resolve
  })
}

export function check<T>(value: T, checks: Record<string, (value: T) => boolean>): boolean {
  const results = Object.entries(checks).map(([name, holds]) => [name, holds(value)] as const)
  resolveChecked(Object.fromEntries(results))
  return results.every(([, holds]) => holds)
}

class Metric {
  readonly #name: string

  constructor(name: string) {
    this.#name = name
  }

  add(value: unknown): void {
    const values = recorded.added.get(this.#name)
    if (values === undefined) recorded.added.set(this.#name, [value])
    else values.push(value)
  }
}

export { Metric as Counter, Metric as Rate, Metric as Trend }

/** As `k6/websockets` has it: the browser's interface. */
export class WebSocket {
  readonly #socket: WsWebSocket
  #messages = 0

  constructor(url: string) {
    this.#socket = new WsWebSocket(url)
  }

  get readyState(): number {
    return this.#socket.readyState
  }

  addEventListener(type: 'open' | 'message' | 'error' | 'close', listener: (event: object) => void): void {
    if (type !== 'message') return this.#socket.addEventListener(type as 'open', listener)
    this.#socket.addEventListener('message', ({ data }: MessageEvent) => {
      const isSpoilt = ++this.#messages === recorded.spoilMessage
      listener({ data: isSpoilt ? `${data}!` : data })
    })
  }

  send(message: string): void {
    this.#socket.send(message)
  }

  close(code: number): void {
    this.#socket.close(code)
  }
}
