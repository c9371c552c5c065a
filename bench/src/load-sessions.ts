// The HTTP/2 sessions of a load: its connections are streams of a few of them (RFC 8441), in turn.

import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import type { LoadArguments } from './load-arguments.js'

export class LoadSessions {
  readonly #options: LoadArguments
  readonly #sessions: Promise<ClientHttp2Session>[] = []
  #last = 0

  constructor(options: LoadArguments) {
    this.#options = options
  }

  /**
   * Opens a stream as a WebSocket connection.
   *
   * @throws Error when the server does not accept the opening handshake
   */
  async open(): Promise<ClientHttp2Stream> {
    const { host, port, path, sessions } = this.#options
    const turn = this.#last++ % sessions
    this.#sessions[turn] ??= this.#connect()
    const session = await this.#sessions[turn]
    const stream = session.request(
      {
        ...{ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': path },
        ...{ ':authority': `${host}:${port}`, 'sec-websocket-version': '13' },
      },
      { endStream: false },
    )
    const [fields] = await once(stream, 'response')
    if (fields[':status'] !== 200) throw new Error(`opening handshake: ${fields[':status']}`)
    // The server ends its side first.
    stream.once('end', () => stream.end())
    return stream
  }

  async #connect(): Promise<ClientHttp2Session> {
    const session = connect(`http://${this.#options.host}:${this.#options.port}`)
    session.on('error', () => {})
    await once(session, 'remoteSettings')
    return session
  }
}
