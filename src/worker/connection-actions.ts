// What an admin does to open connections of this worker: close, abort, ping, send.

import type { Acted, ActionTarget, ConnectionAction } from '../messages.js'
import { PING } from '../protocol/opcodes.js'
import type { Archive } from '../report/archive.js'
import type { Connection } from './connection.js'

const NOTHING = Buffer.alloc(0)

export class ConnectionActions {
  readonly #connections: ReadonlyMap<number, Connection>
  readonly #archive: Archive

  /** @param archive knows what a filter asks for, of connections that are reported on */
  constructor(connections: ReadonlyMap<number, Connection>, archive: Archive) {
    this.#connections = connections
    this.#archive = archive
  }

  act(target: ActionTarget, action: ConnectionAction): Pick<Acted, 'done' | 'busy'> {
    const done: number[] = []
    const busy: number[] = []
    for (const connection of this.#targets(target)) (perform(connection, action) ? done : busy).push(connection.id)
    return { done, busy }
  }

  #targets(target: ActionTarget): Connection[] {
    const ids = 'id' in target ? [target.id] : this.#archive.openMatching(target.filter)
    return ids.flatMap(id => this.#connections.get(id) ?? [])
  }
}

/** False if it cannot be done now. */
function perform(connection: Connection, action: ConnectionAction): boolean {
  if (action.act === 'close') return connection.goAwayNow(action.code, action.reason)
  if (action.act === 'ping') return connection.say(PING, NOTHING)
  if (action.act === 'send') return connection.say(action.opcode, Buffer.from(action.payload, 'base64'))
  connection.reset('an admin aborted it')
  return true
}
