// Echo server on `ws`, with bufferutil, as one process; also what each worker of ws-cluster.ts runs.

import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

const MAX_MESSAGE = 16 * 1024 * 1024

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  maxPayload: MAX_MESSAGE,
  perMessageDeflate: { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
})
server.on('connection', socket => {
  socket.on('message', (data, binary) => socket.send(data, { binary }))
  // A load that is over may leave by a reset.
  socket.on('error', () => socket.terminate())
})
server.on('listening', () => console.log(`listening ws://127.0.0.1:${(server.address() as AddressInfo).port}`))
