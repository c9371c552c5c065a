// Echo server on Bun's own WebSocket server. Runs under Bun, not under Node.

/** What this file uses of Bun's API (https://bun.sh/reference/bun/serve). */
interface BunApi {
  serve(options: {
    hostname: string
    port: number
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

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
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
console.log(`listening ws://127.0.0.1:${server.port}`)
