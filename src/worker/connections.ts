// The open WebSocket connections of a worker by their number, and how many of them are streams of HTTP/2.

import type { Connection } from './connection.js'

export class Connections extends Map<number, Connection> {
  overHttp2 = 0

  override set(id: number, connection: Connection): this {
    if (connection.carriedByStream) this.overHttp2++
    return super.set(id, connection)
  }

  override delete(id: number): boolean {
    if (this.get(id)?.carriedByStream) this.overHttp2--
    return super.delete(id)
  }
}
