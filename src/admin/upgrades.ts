// Requests with an Upgrade header. They go through the app as all others do, and so through its checks; the route of the
// live feed takes the socket of those that ask for WebSocket, and elsewhere the header is ignored (RFC 9110 section 7.8).

import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Express, RequestHandler } from 'express'
import { sendError } from './errors.js'
import type { Feed } from './feed.js'

interface Upgrade {
  readonly socket: Socket
  /** What came behind the request. */
  readonly head: Buffer
}

const UPGRADES = new WeakMap<IncomingMessage, Upgrade>()

export function serveUpgrades(server: Server, app: Express): void {
  server.on('upgrade', (request, socket: Socket, head) => {
    socket.on('error', () => socket.destroy())
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.on('finish', () => socket.end())
    UPGRADES.set(request, { socket, head })
    app(request, response)
  })
}

export function feedHandler(feed: Feed): RequestHandler {
  return (request, response) => {
    const upgrade = UPGRADES.get(request)
    if (upgrade === undefined || request.headers.upgrade?.toLowerCase() !== 'websocket') {
      response.set({ Upgrade: 'websocket', Connection: 'Upgrade' })
      return sendError(response, 426, 'this is the console’s live feed: connect by WebSocket')
    }
    if (feed.full) return sendError(response, 503, 'as many pages as there may be have the live feed')
    response.detachSocket(upgrade.socket)
    feed.accept(request, upgrade.socket, upgrade.head)
  }
}
