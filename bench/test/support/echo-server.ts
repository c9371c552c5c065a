// An echo server of ws in the test's own process, which sees what it is sent.

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import type { LoadTarget } from '../../src/run-load.js'

export interface EchoServer {
  readonly target: LoadTarget
  readonly http: Server
  readonly sockets: WebSocketServer
}

/** It is gone when the test ends. */
export async function startEchoServer(t: { after(hook: () => void): void }): Promise<EchoServer> {
  const http = createServer().listen(0, '127.0.0.1')
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: { threshold: 0 } })
  sockets.on('connection', socket => {
    socket.on('message', (data, binary) => socket.send(data, { binary }))
    socket.on('error', () => socket.terminate())
  })
  t.after(() => {
    http.close()
    http.closeAllConnections()
    for (const socket of sockets.clients) socket.terminate()
  })
  await once(http, 'listening')
  return { target: { port: (http.address() as AddressInfo).port, pid: process.pid }, http, sockets }
}
