// Echo server on `ws`, with bufferutil, as one process; also what each worker of ws-cluster.ts runs.
// Arguments CERT KEY, names of PEM files, make it serve wss.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

const MAX_MESSAGE = 16 * 1024 * 1024
const ANY_PORT = 0

const [cert, key] = process.argv.slice(2).map(file => readFileSync(file))
const server = cert === undefined ? createServer() : createTlsServer({ cert, key })
const sockets = new WebSocketServer({
  server,
  maxPayload: MAX_MESSAGE,
  perMessageDeflate: { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
})
sockets.on('connection', socket => {
  socket.on('message', (data, binary) => socket.send(data, { binary }))
  // A load that is over may leave by a reset.
  socket.on('error', () => socket.terminate())
})
server.listen(ANY_PORT, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(`listening ${cert === undefined ? 'ws' : 'wss'}://127.0.0.1:${port}`)
})
