// Echo server on Bun's own WebSocket server. Runs under Bun, not under Node.
// Arguments CERT KEY, names of PEM files, make it serve wss.

import { readFileSync } from 'node:fs'

/** What this file uses of Bun's API (https://bun.sh/reference/bun/serve). */
interface BunApi {
  serve(options: {
    hostname: string
    port: number
    tls: { cert: Buffer; key: Buffer } | undefined
    fetch(request: Request, server: { upgrade(request: Request): boolean }): Response | undefined
    websocket: {
      maxPayloadLength: number
      backpressureLimit: number
      perMessageDeflate: { compress: 'shared'; decompress: 'shared' }
      message(socket: { send(message: string | Buffer, compress: boolean): number }, message: string | Buffer): void
    }
  }): { port: number }
}

const MAX_MESSAGE = 16 * 1024 * 1024
const { Bun } = globalThis as unknown as { Bun: BunApi }

const [cert, key] = process.argv.slice(2).map(file => readFileSync(file))
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  tls: cert === undefined ? undefined : { cert, key },
  fetch: (request, upgrading) => (upgrading.upgrade(request) ? undefined : new Response(null, { status: 426 })),
  websocket: {
    maxPayloadLength: MAX_MESSAGE,
    backpressureLimit: 4 * MAX_MESSAGE,
    perMessageDeflate: { compress: 'shared', decompress: 'shared' },
    message(socket, message) {
      socket.send(message, true)
    },
  },
})
console.log(`listening ${cert === undefined ? 'ws' : 'wss'}://127.0.0.1:${server.port}`)
