// One connection after the other that does what an attack's script says. What comes back is read and dropped: a server
// that waits for its reader would have an easy life.

import { connect, type Socket } from 'node:net'
import type { AttackKind, AttackScript } from './attack-kinds.js'
import { upgradeRequest } from './upgrade-request.js'

/** What the attackers' program says when its attack begins. */
export const ATTACKING = 'attacking'

const READ_OCTETS = 64 * 1024
const WRITE_OCTETS = 64 * 1024
/** Milliseconds in which nothing goes either way, after which the next connection takes the place of this one. */
const PATIENCE = 10_000
/** Connections that all attackers of a process open at most. */
const MAX_CONNECTIONS = 20_000
/** Octets that they send at most. */
const MAX_OCTETS = 16 * 2 ** 30

export interface HostileEvents {
  /** The server has accepted a connection, which attacks once this has resolved. */
  onOpen(): Promise<void>
  /** A connection was not accepted, or ended by an error. */
  onFailure(reason: string): void
}

/** What all hostile connections of a process have done. */
export interface AttackTotals {
  connections: number
  /** Opening handshakes that the server did not accept. */
  refused: number
  /** Octets that the kernel has taken. */
  octets: number
}

/** Nobody attacks any longer: so much is the most that a process does. */
export function isSpent({ connections, octets }: AttackTotals): boolean {
  return connections >= MAX_CONNECTIONS || octets >= MAX_OCTETS
}

export class HostileConnection {
  readonly #port: number
  readonly #opening: AttackKind['opening']
  readonly #script: AttackScript
  readonly #totals: AttackTotals
  readonly #readBuffer = Buffer.alloc(READ_OCTETS)
  readonly #events: HostileEvents
  #socket: Socket | undefined
  /** The response's head as far as it has come; undefined when none is waited for. */
  #head: string | undefined
  #stopped = false

  constructor(
    port: number,
    { opening }: AttackKind,
    script: AttackScript,
    totals: AttackTotals,
    events: HostileEvents,
  ) {
    this.#port = port
    this.#opening = opening
    this.#script = script
    this.#totals = totals
    this.#events = events
  }

  start(): void {
    if (this.#stopped || isSpent(this.#totals)) return
    this.#totals.connections++
    const callback = (octets: number, buffer: Uint8Array): boolean => this.#onOctets(octets, buffer as Buffer)
    const socket = connect({ port: this.#port, host: '127.0.0.1', onread: { buffer: this.#readBuffer, callback } })
    this.#socket = socket
    socket.on('connect', () => this.#onConnect(socket))
    socket.setTimeout(PATIENCE, () => socket.destroy())
    socket.on('error', error => this.#events.onFailure(error.message))
    socket.on('close', () => setImmediate(() => this.start()))
    socket.resume()
  }

  stop(): void {
    this.#stopped = true
    this.#socket?.destroy()
  }

  #onConnect(socket: Socket): void {
    if (this.#opening === 'none') {
      void this.#attack(socket)
      return
    }
    this.#head = ''
    socket.write(upgradeRequest('/', `127.0.0.1:${this.#port}`, this.#opening === 'deflate').head)
  }

  /** True: more may come. */
  #onOctets(octets: number, buffer: Buffer): boolean {
    const socket = this.#socket
    if (this.#head === undefined || socket === undefined) return true
    this.#head += buffer.toString('latin1', 0, octets)
    if (!this.#head.includes('\r\n\r\n')) return true
    const [status] = this.#head.split('\r\n', 1)
    this.#head = undefined
    if (status.startsWith('HTTP/1.1 101')) {
      void this.#attack(socket)
    } else {
      this.#totals.refused++
      this.#events.onFailure(`opening handshake: ${status}`)
      socket.destroy()
    }
    return true
  }

  async #attack(socket: Socket): Promise<void> {
    await this.#events.onOpen()
    const { first, again } = this.#script
    const repeat = (): void => {
      if (again === undefined) socket.end()
      else this.#write(socket, again, repeat)
    }
    this.#write(socket, first, repeat)
  }

  /** In pieces, so that octets count that were sent before the server ended the connection. */
  #write(socket: Socket, octets: Buffer, done: () => void): void {
    const writeFrom = (at: number): void => {
      if (this.#stopped || isSpent(this.#totals)) return
      const piece = octets.subarray(at, at + WRITE_OCTETS)
      socket.write(piece, error => {
        if (error) return
        this.#totals.octets += piece.length
        if (at + piece.length === octets.length) done()
        else writeFrom(at + piece.length)
      })
    }
    writeFrom(0)
  }
}
