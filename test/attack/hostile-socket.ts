// What hostile clients are made of: a connection that is upgraded and then does as it likes.

import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { upgradeRequest } from '../../bench/src/upgrade-request.js'

/** Milliseconds. */
const PAUSE = 100
/** Connections that one hostile client opens at most. */
const MOST_CONNECTIONS = 2000

/** Ends an attack. */
export type Stop = () => void

/** Connects; errors are nobody's business, for servers may well reset attackers. */
export function silentSocket(port: number): Socket {
  return connect({ port, host: '127.0.0.1' }).on('error', () => {})
}

/** Resolves with an upgraded connection that is paused; undefined when it was not accepted. */
export async function upgradedSocket(port: number, offer = ''): Promise<Socket | undefined> {
  const socket = silentSocket(port)
  const { head } = upgradeRequest('/', `127.0.0.1:${port}`, false)
  socket.write(`${head.slice(0, -2)}${offer === '' ? '' : `Sec-WebSocket-Extensions: ${offer}\r\n`}\r\n`)
  const answer = await new Promise<string>(resolve => {
    let text = ''
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
      if (text.includes('\r\n\r\n')) resolve(text)
    })
    socket.on('close', () => resolve(text))
  })
  socket.removeAllListeners('data').pause()
  if (answer.startsWith('HTTP/1.1 101')) return socket
  socket.destroy()
  return undefined
}

/**
 * So many clients at once, each with one connection after the other; resolves once each has had its first.
 * @param pause milliseconds between a connection that has ended and the next
 */
export async function clients(
  count: number,
  open: () => Promise<Socket | undefined>,
  misbehave: (socket: Socket) => void,
  pause = PAUSE,
): Promise<Stop> {
  let stopped = false
  const sockets = new Set<Socket>()
  const client = async (begun: () => void): Promise<void> => {
    for (let opened = 0; !stopped && opened < MOST_CONNECTIONS; opened++) {
      const socket = await open()
      if (socket !== undefined && !stopped) {
        sockets.add(socket)
        misbehave(socket)
        begun()
        await new Promise(resolve => socket.once('close', resolve))
        sockets.delete(socket)
      } else socket?.destroy()
      begun()
      await delay(pause)
    }
  }
  await Promise.all(Array.from({ length: count }, () => new Promise<void>(begun => void client(begun))))
  return () => {
    stopped = true
    for (const socket of sockets) socket.destroy()
  }
}

/** Writes the same again and again, as fast as it is taken, and drops what comes back. */
export function flood(socket: Socket, octets: Buffer): void {
  const again = (): void => {
    if (socket.writable) socket.write(octets, error => error ?? again())
  }
  socket.resume()
  again()
}
